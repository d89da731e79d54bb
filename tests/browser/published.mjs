// The site as files: publishes a simulated record, serves it from a sub-path with a plain file server, and checks it in
// the browser.
//
//   HITRATE_BIN=target/debug/hitrate node tests/browser/published.mjs      these checks alone
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launchBrowser } from './browser.mjs';
import { LinkCheck } from './links.mjs';
import { Report } from './report.mjs';
import { visit } from './visit.mjs';

const SUB_PATH = '/some/where/';
const LINK_LIMIT = 400;
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.json': 'application/json',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.csv': 'text/csv', '.atom': 'application/atom+xml',
};

function run(binary, args) {
  const done = spawnSync(binary, args, { encoding: 'utf8', timeout: 300_000, maxBuffer: 1 << 26 });
  if (done.status !== 0) throw new Error(`hitrate ${args.join(' ')} ended with ${done.status ?? done.signal}: ${done.stderr.slice(-2000)}`);
  return done.stdout;
}

// Only files under the sub-path: no directory indexes and no fallbacks.
function serveFiles(folder) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    const file = path.startsWith(SUB_PATH) && normalize(join(folder, path.slice(SUB_PATH.length)));
    if (!file || !file.startsWith(folder) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end('no such file');
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ base: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() }));
  });
}

// Visits a file; `looked` is what `look` returns in the page once nothing is loading any more.
async function visitFile(context, base, file, look) {
  let looked = null;
  const ready = async (page) => {
    await page.waitForLoadState('networkidle');
    looked = await page.evaluate(look);
  };
  const facts = await visit(context, base, SUB_PATH + file, { ready });
  return { ...facts, looked };
}

// Opens a page, runs `look` in it once it is idle, and checks the complaints of the browser.
async function open(report, context, base, file, look = () => null) {
  const where = `published ${file}`;
  const facts = await visitFile(context, base, file, look);
  report.check(where, 'answers 200 without complaint', [facts.status !== 200 && `status ${facts.status}`, ...facts.complaints]);
  report.check(where, 'has one heading', facts.headings.length !== 1 && `${facts.headings.length} headings`);
  return facts;
}

const rowsOf = () => ({
  found: Number(document.querySelector('[role=status] b').textContent),
  rows: [...document.querySelectorAll('table tbody tr')].map((row) => row.textContent),
});

async function withScript(report, browser, base, explored) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const model = explored[0];
  const front = await open(report, context, base, 'index.html');
  const linked = (part) => front.links.map((link) => link.url?.split('#')[0]).find((url) => url?.includes(part) && url.endsWith('.html'))?.slice((base + SUB_PATH).length);
  for (const part of ['/models/', '/providers/', '/tiers/', '/status/', '/method/', '/api/'])
    await open(report, context, base, linked(part));

  const name = model.model_id.split('/').pop();
  const found = await open(report, context, base, `search/index.html?q=${encodeURIComponent(name.slice(0, -1))}`);
  report.check('published search', 'finds a model by a part of its name', !found.text.includes(model.model_id) && found.text);
  // Requests that the search page abandons when it redirects are not complaints.
  const query = `search/index.html?q=${encodeURIComponent(model.model_id)}`;
  const exact = await visitFile(context, base, query, () => location.href);
  report.check('published search', 'leads to a page by its name', !exact.looked.includes('/models/') && exact.looked);
  const nothing = await open(report, context, base, `search/index.html?q=${encodeURIComponent('<img src=x onerror="window.__marked=true">')}`);
  report.check('published search', 'shows a hostile term as text', (nothing.marked || !nothing.text.includes('<img')) && nothing.text);

  await compareFilter(report, context, base, 'hit=50&sort=hit', explored.filter((e) => e.hit_rate >= 0.5));
  await compareFilter(report, context, base, `provider=${model.provider}&dir=asc`, explored.filter((e) => e.provider === model.provider));
  await compareFilter(report, context, base, 'price=0.0000001', explored.filter((e) => e.effective.input !== null && e.effective.input <= 1e-7));
  await compareFilter(report, context, base, 'context=128k&param=tools', explored.filter((e) => e.context_length >= 128_000 && e.parameters.includes('tools')));

  const pair = explored.slice(0, 2).map((e) => `e=${encodeURIComponent(`${e.model_id}@${e.tag}`)}`);
  const sides = await open(report, context, base, `compare/index.html?${pair.join('&')}`, () => document.querySelectorAll('table th, table td').length);
  report.check('published compare', 'shows two endpoints side by side', sides.looked < 20 && `${sides.looked} cells`);
  await open(report, context, base, 'compare/index.html?e=nobody&e=nobody-else');
  await context.close();
}

// A filter must find the same rows as a count over the published table.
async function compareFilter(report, context, base, query, expected) {
  const { looked } = await open(report, context, base, `explore/index.html?${query}`, rowsOf);
  const shown = Math.min(50, expected.length);
  report.check(`published explore?${query}`, 'finds the rows of the table', [
    looked.found !== expected.length && `${looked.found} instead of ${expected.length}`,
    looked.rows.length !== shown && `${looked.rows.length} rows instead of ${shown}`,
    expected.length > 0 && expected.length <= 50 && !expected.every((e) => looked.rows.some((row) => row.includes(e.model_id) && row.includes(e.tag))) && 'others than those',
  ]);
}

async function withoutScript(report, browser, base) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  for (const page of ['search', 'explore', 'compare']) {
    const { text } = await open(report, context, base, `${page}/index.html?q=x&e=x`);
    report.check(`published ${page}`, 'explains what to do without JavaScript', !/needs? JavaScript/.test(text) && text.slice(0, 300));
  }
  await context.close();
}

async function followLinks(report, base) {
  const links = new LinkCheck(base);
  links.add(`${base}${SUB_PATH}index.html`, 'the start');
  const problems = await links.follow(LINK_LIMIT);
  report.check('published links', `all of ${links.followed} followed links lead to files`, problems);
  report.check('published links', 'there are many', links.followed < 100 && `only ${links.followed}`);
}

// Publishes and checks; `browser` stays open.
export async function lookAtPublished(report, browser, binary) {
  const folder = mkdtempSync(join(tmpdir(), 'hitrate-published-'));
  const data = join(folder, 'data');
  const out = join(folder, 'site');
  let server = null;
  try {
    run(binary, ['demo', '--once', '--days', '4', '--data-dir', data]);
    for (const time of ['first', 'second']) {
      const told = JSON.parse(run(binary, ['publish', '--out', out, '--data-dir', data, '--json']));
      report.check('publish', `answers every address the ${time} time`, told.failed);
    }
    server = await serveFiles(out);
    const explored = JSON.parse(readFileSync(join(out, 'explore.json'), 'utf8')).data;
    await withScript(report, browser, server.base, explored);
    await withoutScript(report, browser, server.base);
    await followLinks(report, server.base);
  } finally {
    server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const report = new Report();
  const browser = await launchBrowser();
  try {
    await lookAtPublished(report, browser, process.env.HITRATE_BIN);
  } catch (error) {
    report.check('published', 'gets through', error.message.split('\n'));
  }
  await browser.close();
  process.exitCode = report.close() ? 0 : 1;
}
