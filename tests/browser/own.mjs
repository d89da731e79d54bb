// The pages of own traffic, over the simulated user of the demo: who gets in, what every page has at each size and in both
// schemes, the forms without JavaScript, and that the public site of the same server has no trace of them.
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { violations } from './axe.mjs';
import { checkPage, checkWithoutScript } from './checks.mjs';
import { htmlProblems } from './html.mjs';
import { startServer } from './server.mjs';
import { SCHEMES, WIDTHS } from './tour.mjs';
import { visit } from './visit.mjs';

const STARTED = /^private (http:\/\/127\.0\.0\.1:\d+) \(token: (.+)\)$/m;
const START_SECONDS = 60;
const [PHONE, , DESK] = WIDTHS;
// Each page with its heading and words that its answer must contain.
const PAGES = [
  ['/', 'Report', ['Hit rate', 'public:', 'Misses', 'more than with hits', 'Elsewhere', 'instead of']],
  ['/models', 'Models', ['public page']],
  ['/sessions', 'Sessions', ['Largest sessions']],
  ['/misses', 'Misses', ['Causes', 'What helps', 'By pause']],
  ['/costs', 'Costs', ['Your calls at every endpoint', 'Against paid']],
  ['/plans', 'Plans', ['Is a plan worth it?']],
  ['/files', 'Files', ['demo']],
];
// Names that only the simulated user's log has.
const MARKERS = ['demo-agent', 'demo-key', '/own/v1', 'own traffic'];
// Public pages on which a trace would be most likely.
const PUBLIC = ['/', '/models', '/providers', '/status', '/changes', '/explore', '/api/v1/models', '/api/v1/openapi.json', '/sitemap.xml'];

async function privateAddress(server) {
  for (let waited = 0; waited < START_SECONDS * 4; waited += 1) {
    const found = STARTED.exec(server.said());
    if (found) return { own: found[1], token: readFileSync(found[2], 'utf8').trim() };
    await sleep(250);
  }
  throw new Error(`the server did not print its private address within ${START_SECONDS} s: ${server.said()}`);
}

// The status of a request with headers that a browser would not send.
function statusOf(base, path, headers) {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, base), { headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode));
    });
    sent.once('error', reject);
    sent.end();
  });
}

async function checkAccess(report, browser, own, token) {
  const where = 'own traffic: access';
  const bearer = { authorization: `Bearer ${token}` };
  const expected = [
    ['a page without the token', 401, '/', {}],
    ['JSON without the token', 401, '/own/v1/report', {}],
    ['JSON with a wrong token', 401, '/own/v1/report', { authorization: 'Bearer wrong-wrong-wrong-wrong' }],
    ['JSON with the token', 200, '/own/v1/report', bearer],
    ['a foreign host with the token', 403, '/', { ...bearer, host: 'rebound.example' }],
    ['a foreign origin with the token', 403, '/', { ...bearer, origin: 'https://rebound.example' }],
  ];
  for (const [what, status, path, headers] of expected) {
    const found = await statusOf(own, path, headers);
    report.check(where, `${what} gets ${status}`, found !== status && `it got ${found}`);
  }
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ viewport: PHONE, javaScriptEnabled });
    const page = await context.newPage();
    const form = await page.goto(own);
    const problems = javaScriptEnabled ? await violations(page) : [];
    report.check(where, 'the form to log in is valid', [...problems, ...(await htmlProblems(await form.text(), '/login'))]);
    await page.getByLabel('Token').fill('wrong-wrong-wrong-wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    report.check(where, 'a wrong token does not log in', (await page.locator('h1').innerText()) !== 'Your own traffic' && page.url());
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    report.check(where, `the token logs in ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, (await page.locator('h1').innerText()) !== 'Report' && page.url());
    await context.close();
  }
}

// A context that is logged in through the address; the token must not stay there.
async function loggedIn(report, browser, own, token, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(`${own}/?token=${encodeURIComponent(token)}`);
  report.check('own traffic: access', 'the token leaves the address', page.url().includes(token) && 'it is still there');
  await page.close();
  return context;
}

// What the user came for, on the first screen of the report.
async function checkFirstScreen(report, where, page) {
  const seen = await page.evaluate(() =>
    [...document.querySelectorAll('.own-answers li')]
      .filter((answer) => answer.querySelector('.own-figure').getBoundingClientRect().bottom <= innerHeight)
      .map((answer) => answer.querySelector('h2').textContent),
  );
  // On the smallest phone, the third answer may begin below the edge.
  const expected = page.viewportSize().width < 400 ? ['Hit rate', 'Misses'] : ['Hit rate', 'Misses', 'Elsewhere'];
  report.check(where, 'answers on its first screen', expected.filter((title) => !seen.includes(title)).map((title) => `${title} is out of sight`));
}

async function checkPages(report, browser, own, token) {
  const withScript = new Map();
  for (const size of WIDTHS)
    for (const scheme of SCHEMES) {
      const context = await loggedIn(report, browser, own, token, { viewport: size, colorScheme: scheme });
      for (const [path, heading, words] of PAGES) {
        const where = `own traffic: ${path} at ${size.width} ${scheme}`;
        const also = async (page, text) => {
          if (size !== WIDTHS[1]) report.check(where, 'has no violation that axe-core finds', await violations(page));
          if (path === '/') await checkFirstScreen(report, where, page);
          if (size === DESK && scheme === 'light') report.check(where, 'is valid HTML', await htmlProblems(text, path));
        };
        const facts = await visit(context, own, path, { also });
        checkPage(report, where, facts, { simulated: false });
        report.check(where, 'has its heading and its answer', [
          facts.headings[0] !== heading && `its h1 is ${facts.headings[0]}`,
          ...words.filter((word) => !facts.text.includes(word)).map((word) => `'${word}' is missing`),
        ]);
        withScript.set(path, facts);
      }
      await context.close();
    }
  return withScript;
}

async function checkWithoutScripts(report, browser, own, token, withScript) {
  const context = await loggedIn(report, browser, own, token, { viewport: DESK, javaScriptEnabled: false });
  for (const [path] of PAGES) checkWithoutScript(report, `own traffic: ${path} without JavaScript`, withScript.get(path), await visit(context, own, path));
  const page = await context.newPage();
  await page.goto(`${own}/files`);
  const source = await page.locator('tbody th bdi').first().innerText();
  const answer = async (name) => {
    await page.goto(`${own}/`);
    await page.locator('details.limits > summary').click();
    await page.locator('input[name=source]').fill(name);
    await page.getByRole('button', { name: 'Show' }).click();
    return page.locator('main').innerText();
  };
  const [known, unknown] = [await answer(source), await answer('no-such-source')];
  report.check('own traffic: the form', 'limits the report without JavaScript', [
    !known.includes('Hit rate') && `the report on ${source} is empty`,
    !unknown.includes('No call matches') && 'an unknown source has calls',
    !unknown.includes('traffic import') && 'an empty report does not say how to import',
  ]);
  const wrong = await page.goto(`${own}/?from=yesterday`);
  report.check('own traffic: the form', 'explains a wrong day', wrong.status() !== 400 && `status ${wrong.status()}`);
  await context.close();
}

// Columns of numbers are sorted by their numbers, not by their texts.
async function checkSorting(report, browser, own, token) {
  const context = await loggedIn(report, browser, own, token, { viewport: DESK });
  const page = await context.newPage();
  await page.goto(`${own}/costs`);
  const column = 2;
  await page.locator('table.sortable thead th').nth(column).getByRole('button').click();
  const sorted = await page.locator(`table.sortable tbody tr > :nth-child(${column + 1})`).evaluateAll((cells) => cells.filter((cell) => cell.dataset.sort).map((cell) => Number(cell.dataset.sort)));
  const expected = [...sorted].sort((a, b) => b - a);
  report.check('own traffic: sorting', 'orders costs by the amount', [
    sorted.length < 3 && `${sorted.length} rows`,
    sorted.join() !== expected.join() && sorted.join(),
  ]);
  await context.close();
}

// The links between the two servers go one way: from own traffic to the public pages of models and endpoints.
async function checkPublic(report, base, own, withScript) {
  const out = [...withScript.values()].flatMap(({ links }) => links.map(({ url }) => url)).filter((url) => url?.startsWith(`${base}/`));
  const pages = [...new Set(out)];
  const statuses = await Promise.all(pages.map(async (url) => [url, (await fetch(url)).status]));
  report.check('own traffic: links', 'lead to the public pages of models and endpoints', [
    !pages.some((url) => /\/models\/.+\/endpoints\//.test(url)) && 'no endpoint is linked',
    ...statuses.filter(([, status]) => status !== 200).map(([url, status]) => `${url} answers ${status}`),
  ]);
  for (const path of [...PUBLIC, ...pages.slice(0, 6).map((url) => url.slice(base.length))]) {
    const text = await (await fetch(base + path)).text();
    report.check(`public ${path}`, 'has no trace of own traffic', [...MARKERS, own].filter((marker) => text.includes(marker)).map((marker) => `it contains ${marker}`));
  }
  for (const path of ['/own/v1/report', '/own/v1/status', '/sessions', '/misses', '/plans', '/files', '/login']) {
    const { status } = await fetch(base + path);
    report.check(`public ${path}`, 'does not exist', status < 400 && `it answers ${status}`);
  }
}

export async function checkOwn(report, browser, binary) {
  const extra = ['--private-listen', '127.0.0.1:0', '--days', '16', '--hour-every', '3600'];
  const server = await startServer(binary, { extra });
  try {
    const { own, token } = await privateAddress(server);
    await checkAccess(report, browser, own, token);
    const withScript = await checkPages(report, browser, own, token);
    await checkWithoutScripts(report, browser, own, token, withScript);
    await checkSorting(report, browser, own, token);
    await checkPublic(report, server.base, own, withScript);
  } finally {
    await server.stop();
  }
}
