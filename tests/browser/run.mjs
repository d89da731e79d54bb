// Looks at every kind of page of the demo in a real browser: three widths, light and dark, with and without JavaScript.
//
//   HITRATE_BIN=target/debug/hitrate node tests/browser/run.mjs
//   SCREENSHOTS=DIR     keeps the pictures there (default: a temporary folder, named at the end)
//   CHROMIUM=PATH       the browser to use (default: the first known name on the PATH)
//   HITRATE_DEMO_ARGS   further arguments for `hitrate demo`, separated by spaces
//
// The last line is 'N passed, N failed'; exit code 1 unless all passed.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { launchBrowser } from './browser.mjs';
import { checkPage, checkWithoutScript } from './checks.mjs';
import { LinkCheck } from './links.mjs';
import { lookAtPublished } from './published.mjs';
import { Report } from './report.mjs';
import { startServer } from './server.mjs';
import { checkKind, discover } from './site.mjs';
import { visit } from './visit.mjs';

const WIDTHS = [
  { width: 360, height: 740 },
  { width: 768, height: 1024 },
  { width: 1440, height: 900 },
];
const SCHEMES = ['light', 'dark'];
const LINK_LIMIT = 150;
const RUN_LIMIT_SECONDS = 900;

const report = new Report();
const pictures = process.env.SCREENSHOTS ? resolve(process.env.SCREENSHOTS) : mkdtempSync(join(tmpdir(), 'hitrate-pages-'));
const fileName = (page, size, scheme) =>
  join(pictures, `${page.name.replace(/[^\w-]+/g, '-')}-${size.width}-${scheme}.png`);

// A visit that fails altogether is a failed check, and the others go on.
async function tryVisit(where, context, base, page, options = {}) {
  try {
    return await visit(context, base, page.path, { expectStatus: page.expectStatus, ...options });
  } catch (error) {
    report.check(where, 'can be visited', error.message.split('\n')[0]);
    return null;
  }
}

// Returns the facts of every page, by path, as seen in the last context.
async function lookAtAll(browser, base, pages, size, colorScheme) {
  const context = await browser.newContext({ viewport: size, colorScheme });
  const seen = new Map();
  for (const page of pages) {
    const where = `${page.path} at ${size.width} ${colorScheme}`;
    const facts = await tryVisit(where, context, base, page, { screenshot: fileName(page, size, colorScheme) });
    if (!facts) continue;
    checkPage(report, where, facts, page);
    seen.set(page.path, facts);
  }
  await context.close();
  return seen;
}

async function lookWithoutScript(browser, base, pages, seen) {
  const context = await browser.newContext({ viewport: WIDTHS[2], javaScriptEnabled: false });
  for (const page of pages) {
    const where = `${page.path} without JavaScript`;
    const facts = await tryVisit(where, context, base, page);
    const before = seen.get(page.path);
    if (facts && before) checkWithoutScript(report, where, before, facts);
  }
  await context.close();
}

async function followLinks(base, seen) {
  const links = new LinkCheck(base);
  for (const [path, facts] of seen)
    for (const link of facts.links) {
      // The skip link of a page that is not there leads to that page: its status was looked at already.
      const toItself = facts.status >= 400 && link.url?.split('#')[0] === facts.finalUrl.split('#')[0];
      if (link.follow && link.url && !toItself) links.add(link.url, path);
    }
  const problems = await links.follow(LINK_LIMIT);
  report.check('links', `all of ${links.followed} followed links answer`, problems);
  report.check('links', 'there are some', links.followed < 5 && `only ${links.followed} were found`);
}

async function lookAtSite(browser, base) {
  const context = await browser.newContext({ viewport: WIDTHS[2] });
  const pages = await discover(context, base, report);
  await context.close();
  const backgrounds = [];
  let seen = new Map();
  for (const size of WIDTHS)
    for (const scheme of SCHEMES) {
      seen = await lookAtAll(browser, base, pages, size, scheme);
      backgrounds.push(seen.get('/')?.background);
    }
  const [light, dark] = backgrounds;
  report.check('/', 'is dark where dark is wished for', light === dark && `the background is ${light} in both schemes`);
  for (const page of pages) if (seen.has(page.path)) checkKind(report, page, seen.get(page.path), base);
  await lookWithoutScript(browser, base, pages, seen);
  await followLinks(base, seen);
}

async function main() {
  const binary = process.env.HITRATE_BIN;
  if (!binary) throw new Error('HITRATE_BIN is not set: the path of the hitrate program to look at');
  mkdirSync(pictures, { recursive: true });
  const extra = (process.env.HITRATE_DEMO_ARGS ?? '').split(' ').filter(Boolean);
  const server = await startServer(binary, { extra });
  let browser = null;
  try {
    browser = await launchBrowser();
    await lookAtSite(browser, server.base);
    await lookAtPublished(report, browser, binary);
  } finally {
    await browser?.close();
    if (report.failures.length > 0) console.log(`the end of the server's log:\n${server.log()}`);
    const how = await server.stop();
    report.check('server', 'stops in order when asked to', how !== 'ended with code 0' && `it ${how}`);
  }
}

// Ending the process ends the server with it: startServer asks for that.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
setTimeout(() => {
  report.check('run', `is done within ${RUN_LIMIT_SECONDS} s`, 'it was given up');
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
