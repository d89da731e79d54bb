// What a reader can do on the pages of models and endpoints: the tasks "which host, what does it save, and the config for
// my tool" and "how has a provider's caching moved on my models", by clicks, first screens and numbers of screens.

import { Hand } from './hand.mjs';

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const MOST_SCREENS = 6;
const MOST_CLICKS = 2;
const TOOL = 'opencode';
const MODELS = 5;

async function json(base, path) {
  const answer = await fetch(base + path);
  return answer.ok ? (await answer.json()).data : null;
}

// The busiest models, and the first of them that has a shortlist which does not cost more than the list price.
async function chooseModels(base) {
  const listed = (await json(base, '/api/v1/models?limit=40')) ?? [];
  const models = listed.filter(({ variant }) => variant === 'standard');
  for (const model of models) {
    const answer = await json(base, `/api/v1/preferences/${model.model_id}`);
    const saved = answer?.saving.against_cheapest_list.fraction ?? 0;
    if (answer?.provider && saved >= 0) return { models, advised: model };
  }
  return { models, advised: null };
}

// Opens a path in a new context, passes the page to `use`, and closes it.
async function withPage(browser, base, path, options, use) {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    await page.goto(base + path, { waitUntil: 'load' });
    return await use(page);
  } finally {
    await context.close();
  }
}

// Runs inside the page: parts of the answer that are not on the first screen.
function outOfSight() {
  const parts = {
    host: '.answer-head li a',
    saving: '.saved',
    config: '.code pre',
    'copy button': '.code .copy',
  };
  const seen = (element) => {
    const box = element?.getBoundingClientRect();
    return box && box.height > 0 && box.top + scrollY + Math.min(box.height, 60) <= innerHeight && box.left < innerWidth;
  };
  return Object.entries(parts)
    .filter(([, selector]) => !seen(document.querySelector(selector)))
    .map(([name, selector]) => `${name}: ${document.querySelector(selector) ? `begins at ${document.querySelector(selector).getBoundingClientRect().top + scrollY} px` : 'is not there'}`);
}

// Task a: from the front page with the search field to host, saving and the config for a tool.
async function findConfig(report, browser, base, model) {
  for (const viewport of [PHONE, DESK])
    for (const javaScriptEnabled of [true, false]) {
      const where = `the config of ${model.model_id} at ${viewport.width}${javaScriptEnabled ? '' : ' without JavaScript'}`;
      const seen = await withPage(browser, base, '/', { viewport, javaScriptEnabled }, async (page) => {
        const hand = new Hand(page);
        await hand.fill(page.locator('#q'), model.model_id);
        await hand.submit();
        await page.waitForURL(/\/models\//, { waitUntil: 'load' });
        const first = javaScriptEnabled ? await page.evaluate(outOfSight) : [];
        await hand.click(page.locator(`.tools a[href*="tool=${TOOL}"]`));
        await page.waitForURL(/tool=opencode/, { waitUntil: 'load' });
        const config = await page.locator('.code pre').first().textContent();
        return { clicks: hand.clicks, first, config };
      });
      report.check(where, 'has host, saving, config and copy button on the first screen', seen.first);
      report.check(where, `takes at most ${MOST_CLICKS} clicks`, seen.clicks > MOST_CLICKS && `it took ${seen.clicks}`);
      const answer = await json(base, `/api/v1/preferences/${model.model_id}?target=${TOOL}`);
      const text = answer.rendered.files[0]?.text.trim();
      report.check(where, 'is the text of the API', seen.config.trim() !== text && `'${seen.config.slice(0, 80)}'`);
    }
}

// Task b: from the front page to the days of one endpoint of a provider.
async function followProvider(report, browser, base, provider) {
  for (const viewport of [PHONE, DESK]) {
    const where = `three weeks of ${provider} at ${viewport.width}`;
    const seen = await withPage(browser, base, '/', { viewport }, async (page) => {
      const hand = new Hand(page);
      await hand.fill(page.locator('#q'), provider);
      await hand.submit();
      await page.waitForURL(/\/providers\//, { waitUntil: 'load' });
      const link = page.locator('main a[href*="/endpoints/"]:visible').first();
      if ((await link.count()) === 0) return { problem: 'its page links to no endpoint' };
      await hand.click(link);
      await page.waitForURL(/\/endpoints\//, { waitUntil: 'load' });
      await hand.click(page.locator('nav[aria-label=Days] a[href*="days=30"]'));
      await page.waitForURL(/days=30/, { waitUntil: 'load' });
      const day = page.locator('#chart-hit-rate ~ svg .day').last();
      await day.focus();
      const value = day.locator('text');
      return {
        clicks: hand.clicks,
        days: await page.locator('#chart-hit-rate ~ svg .day').count(),
        visible: await value.evaluate((element) => getComputedStyle(element).visibility),
        value: await value.textContent(),
        top: await page.locator('#chart-hit-rate').evaluate((element) => element.getBoundingClientRect().top),
      };
    });
    report.check(where, 'takes at most 3 clicks', seen.problem ?? (seen.clicks > 3 && `it took ${seen.clicks}`));
    if (seen.problem) continue;
    report.check(where, 'shows the values of a day when it is focused', [
      seen.days < 2 && `the chart has ${seen.days} days`,
      seen.visible !== 'visible' && 'the value is hidden',
      !/\d\s*%/.test(seen.value) && `the value is '${seen.value}'`,
      (seen.top < 0 || seen.top > viewport.height) && `the chart begins at ${seen.top} px`,
    ]);
  }
}

async function countScreens(report, browser, base, models) {
  for (const viewport of [PHONE, DESK])
    for (const model of models.slice(0, MODELS)) {
      const path = `/models/${model.model_id}`;
      const screens = await withPage(browser, base, path, { viewport }, (page) => page.evaluate(() => document.documentElement.scrollHeight / innerHeight));
      report.check(`${path} at ${viewport.width}`, `has at most ${MOST_SCREENS} screens`, screens > MOST_SCREENS && `it has ${screens.toFixed(1)}`);
    }
}

// Limits and lines are forms that work without a script and keep the rest of the choice.
async function chooseByForm(report, browser, base, model) {
  const path = `/models/${model.model_id}`;
  const problems = await withPage(browser, base, `${path}?tool=${TOOL}`, { viewport: PHONE, javaScriptEnabled: false }, async (page) => {
    const found = [];
    await page.locator('.limits > summary').click();
    await page.locator('.limits input[name=no_training]').check();
    await page.locator('.limits button').click();
    await page.waitForURL(/no_training=true/, { waitUntil: 'load' });
    if (!page.url().includes(`tool=${TOOL}`)) found.push('the limits lose the tool');
    await page.locator('summary:has(#days)').click();
    await page.locator('summary', { hasText: 'Choose lines' }).click();
    await page.locator('form.lines input:not(:checked)').first().check({ force: true }).catch(() => null);
    await page.locator('form.lines button').click();
    await page.waitForURL(/line=/, { waitUntil: 'load' });
    if (!page.url().includes('no_training=true')) found.push('the lines lose the limits');
    if ((await page.locator('.line-chart:visible').count()) < 1) found.push('no chart is open');
    return found;
  });
  report.check(path, 'has limits and lines that work without JavaScript', problems);
}

export async function checkModel(report, browser, base) {
  const { models, advised } = await chooseModels(base);
  report.check('/models', 'has a model with a recommendation', !advised && `none of ${models.length}`);
  await countScreens(report, browser, base, models);
  if (!advised) return;
  await findConfig(report, browser, base, advised);
  await chooseByForm(report, browser, base, advised);
  const { endpoints } = await json(base, `/api/v1/models/${advised.model_id}`);
  await followProvider(report, browser, base, endpoints[0].provider);
}
