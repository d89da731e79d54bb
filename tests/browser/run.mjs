// Checks every kind of page in a real browser: three sizes, light and dark, with and without JavaScript, by keyboard,
// and against the rules of accessibility and HTML; then pages full of hostile names, and a site that has no data yet.
//
//   HITRATE_BIN=target/debug/hitrate node tests/browser/run.mjs
//   SCREENSHOTS=DIR     keeps the pictures there (default: a temporary folder, named at the end)
//   CHROMIUM=PATH       the browser to use (default: the first known name on the PATH)
//   HITRATE_DEMO_ARGS   further arguments for `hitrate demo`, separated by spaces
//   ONLY=NAMES          only these parts, separated by commas: pages, keyboard, files, front, model, money, hostile, empty,
//                       published, own
//
// The last line is 'N passed, N failed'; exit code 1 unless all passed.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkStart } from './api.mjs';
import { launchBrowser } from './browser.mjs';
import { checkFront } from './front.mjs';
import { checkHostile, hostilePages } from './hostile.mjs';
import { checkKeyboard } from './keyboard.mjs';
import { checkModel } from './model.mjs';
import { lookAtPublished } from './published.mjs';
import { checkMoney } from './money.mjs';
import { checkOwn } from './own.mjs';
import { Report } from './report.mjs';
import { startServer } from './server.mjs';
import { checkKind, discover, files } from './site.mjs';
import { SCHEMES, WIDTHS, checkAccess, checkHtml, followLinks, lookAtAll, lookWithoutScript } from './tour.mjs';
import { checkFiles } from './xml.mjs';

const RUN_LIMIT_SECONDS = 2400;
const [PHONE, , DESK] = WIDTHS;
// axe-core judges these at every width in both schemes, the others only at the first and the last.
const MAIN_PAGES = ['front', 'model', 'provider', 'cost-model', 'changes', 'share', 'status'];

const report = new Report();
const wanted = (part) => !process.env.ONLY || process.env.ONLY.split(',').includes(part);
const pictures = process.env.SCREENSHOTS ? resolve(process.env.SCREENSHOTS) : mkdtempSync(join(tmpdir(), 'hitrate-pages-'));
const picture = (page, size, scheme) =>
  join(pictures, `${page.name.replace(/[^\w-]+/g, '-').slice(0, 80)}-${size.width}-${scheme}.png`);

// Runs a function with a server and makes sure that the server stops cleanly.
async function withServer(binary, options, use) {
  const server = await startServer(binary, options);
  const before = report.failures.length;
  try {
    await use(server.base);
  } finally {
    if (report.failures.length > before) console.log(`the end of the server's log:\n${server.log()}`);
    const how = await server.stop();
    report.check('server', 'stops cleanly on request', how !== 'ended with code 0' && `it ${how}`);
  }
}

async function lookAtPages(browser, base, pages) {
  const backgrounds = [];
  const main = new Set(pages.filter(({ name }) => MAIN_PAGES.includes(name)).map(({ path }) => path));
  let seen = new Map();
  for (const size of WIDTHS)
    for (const scheme of SCHEMES) {
      const look = async (where, page, text) => {
        if (size === DESK && scheme === 'light') await checkHtml(report, where, text);
        // axe-core takes seconds on long pages.
        const isMain = main.has(new URL(page.url()).pathname + new URL(page.url()).search);
        if (isMain || (size === PHONE && scheme === 'light') || (size === DESK && scheme === 'dark')) await checkAccess(report, where, page);
      };
      seen = await lookAtAll(report, browser, base, pages, { size, scheme, picture, look });
      backgrounds.push(seen.get('/')?.background);
    }
  const [light, dark] = backgrounds;
  report.check('/', 'is dark in the dark colour scheme', light === dark && `the background is ${light} in both schemes`);
  for (const page of pages) if (seen.has(page.path)) checkKind(report, page, seen.get(page.path), base);
  await lookWithoutScript(report, browser, base, pages, seen);
  await followLinks(report, base, seen);
}

async function goByKeyboard(browser, base, pages) {
  const kinds = ['front', 'models', 'model', 'provider', 'explore', 'compare', 'api'];
  for (const size of [PHONE, DESK]) {
    const context = await browser.newContext({ viewport: size, permissions: ['clipboard-read', 'clipboard-write'] });
    for (const page of pages.filter(({ name }) => kinds.includes(name))) await checkKeyboard(report, context, base, page.path, size);
    await context.close();
  }
}

async function lookAtFiles(browser, base, paths) {
  const page = await browser.newPage();
  await page.goto(`${base}/method`);
  await checkFiles(report, page, base, paths);
  await page.close();
}

async function lookAtSite(browser, base) {
  const context = await browser.newContext({ viewport: DESK });
  const pages = await discover(context, base, report);
  if (wanted('pages')) await checkStart(report, context, base);
  await context.close();
  if (wanted('pages')) await lookAtPages(browser, base, pages);
  if (wanted('keyboard')) await goByKeyboard(browser, base, pages);
  if (wanted('files')) await lookAtFiles(browser, base, files(pages));
  if (wanted('front')) await checkFront(report, browser, base);
  if (wanted('model')) await checkModel(report, browser, base);
  if (wanted('money')) await checkMoney(report, browser, base);
}

async function lookAtHostile(browser, base) {
  const { pages, strange, tags } = await hostilePages(base);
  report.check('hostile names', 'are there', (strange < 10 || tags < 4) && `${strange} names, ${tags} tags`);
  for (const [size, scheme] of [[PHONE, 'light'], [DESK, 'dark']]) {
    const look = async (where, page, text) => {
      await checkHostile(report, where, page);
      await checkAccess(report, where, page);
      if (size === DESK) await checkHtml(report, where, text);
    };
    await lookAtAll(report, browser, base, pages, { size, scheme, picture, look });
  }
  await lookAtFiles(browser, base, files(pages));
}

// Before the first snapshot there is one page; later, if no new data arrives, every page shows the age of the data.
async function lookAtEmptyAndOld(browser, binary, folder) {
  const look = async (where, page, text) => {
    await checkAccess(report, where, page);
    await checkHtml(report, where, text);
  };
  const tour = (base, pages, expected) =>
    Promise.all(SCHEMES.map((scheme) => lookAtAll(report, browser, base, pages, { size: PHONE, scheme, picture, look, ...expected })));
  await withServer(binary, { verb: 'serve', extra: ['--no-collect'] }, async (base) => {
    await tour(base, [{ name: 'empty', path: '/', expectStatus: 503 }], { simulated: false });
  });
  const later = new Date(Date.now() + 26 * 3_600_000).toISOString();
  await withServer(binary, { verb: 'serve', data: folder, extra: ['--now', later] }, async (base) => {
    const seen = await tour(base, [{ name: 'old', path: '/', expectStatus: 200 }], {});
    report.check('/', 'shows the age of old data', !/The newest data is .* old/.test(seen[0].get('/')?.text ?? '') && 'it does not');
  });
}

async function lookAtDemo(browser, binary, extra) {
  if (['pages', 'keyboard', 'files', 'front', 'model', 'money'].some(wanted)) await withServer(binary, { extra }, (base) => lookAtSite(browser, base));
}

async function lookAtOthers(browser, binary, folder) {
  const hostile = { data: folder, extra: ['--days', '12', '--hour-every', '3600', '--hostile-names'] };
  if (wanted('hostile') || wanted('empty')) await withServer(binary, hostile, (base) => (wanted('hostile') ? lookAtHostile(browser, base) : null));
  if (wanted('empty')) await lookAtEmptyAndOld(browser, binary, folder);
  if (wanted('published')) await lookAtPublished(report, browser, binary);
  if (wanted('own')) await checkOwn(report, browser, binary);
}

async function main() {
  const binary = process.env.HITRATE_BIN;
  if (!binary) throw new Error('HITRATE_BIN is not set: the path of the hitrate program to look at');
  mkdirSync(pictures, { recursive: true });
  const extra = (process.env.HITRATE_DEMO_ARGS ?? '').split(' ').filter(Boolean);
  const folder = mkdtempSync(join(tmpdir(), 'hitrate-hostile-'));
  const browser = await launchBrowser();
  try {
    // Both at once, because two cores are common.
    await Promise.all([lookAtDemo(browser, binary, extra), lookAtOthers(browser, binary, folder)]);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// Ending the process also ends the server; startServer arranges that.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
setTimeout(() => {
  report.check('run', `is done within ${RUN_LIMIT_SECONDS} s`, 'it was aborted');
  report.close();
  process.exit(1);
}, RUN_LIMIT_SECONDS * 1000).unref();

try {
  await main();
} catch (error) {
  report.check('run', 'gets through', error.message.split('\n'));
}
console.log(`screenshots are in ${pictures}`);
process.exitCode = report.close() ? 0 : 1;
