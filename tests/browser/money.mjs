// Two tasks of readers, as they do them: a bill at one host becomes dollars at every other, and a provider is judged on
// the first screen. Each at the size of a phone and of a desk, counting clicks and fields.
import { Hand } from './hand.mjs';

const SIZES = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
];

// The busiest model with several priced hosts, and the host that is not the cheapest.
async function pick(base) {
  const data = async (path) => (await (await fetch(`${base}/api/v1/${path}`)).json()).data;
  for (const { model_id } of await data('models?limit=20')) {
    const { endpoints } = await data(`cost/${model_id}`);
    const choices = endpoints.filter((one) => one.is_choice);
    if (choices.length > 2) return { model: model_id, host: choices.at(-1).tag };
  }
  throw new Error('no model has three hosts to choose from');
}

// "I pay $300 a month": from the front page with at most 2 clicks and 2 fields.
async function payMonthly(report, context, base) {
  const where = 'task: a monthly bill';
  const { model, host } = await pick(base);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(base);
  const hand = new Hand(page);
  await hand.click(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Cost', exact: true }));
  await hand.fill(page.getByLabel('Model, with or without its host'), `${model} at ${host}`);
  await hand.fill(page.getByLabel('Monthly bill'), '$300');
  await hand.click(page.getByRole('button', { name: 'Calculate' }));
  await page.locator('table.months').waitFor({ timeout: 10_000 });
  const text = await page.locator('main').innerText();
  const rows = await page.locator('table.months tbody tr').count();
  const intervals = (await page.locator('table.months tbody').innerText()).match(/\$[\d.,]+ to \$[\d.,]+/g) ?? [];
  report.check(where, 'takes at most 2 clicks and 2 fields', [
    hand.clicks > 2 && `it took ${hand.clicks} clicks`,
    hand.fields > 2 && `it took ${hand.fields} fields`,
  ]);
  report.check(where, 'gives dollars a month at every host, with an interval', [
    !text.includes(`$300.00 at ${host}`) && text.slice(0, 300),
    rows < 3 && `${rows} rows`,
    intervals.length === 0 && 'no interval',
    ...errors,
  ]);
  const address = new URL(page.url()).searchParams;
  report.check(where, 'keeps its state in the address', address.get('bill') !== '$300' && page.url());
  await page.locator('table.months tbody tr').first().getByRole('link', { name: /^Pin/ }).click();
  const setting = JSON.parse(await page.locator('#pin pre').innerText());
  report.check(where, 'leads to a setting with one click', setting.provider?.only?.length !== 1 && JSON.stringify(setting));
  const box = await page.evaluate(() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth);
  report.check(where, 'does not scroll sideways', box > 0 && `${box} px too wide`);
  await page.close();
}

// "Is this provider bad, or only on some models?": answered on the first screen of its page.
async function judgeProvider(report, context, base, size) {
  const where = `task: a provider, at ${size.width} px`;
  const page = await context.newPage();
  await page.goto(`${base}/providers`);
  await page.locator('tbody th a').first().click();
  const seen = await page.evaluate(() => {
    const inSight = (element) => element && element.getBoundingClientRect().bottom <= innerHeight;
    return {
      verdict: inSight(document.querySelector('.verdict')),
      text: document.querySelector('.verdict')?.textContent ?? '',
      charts: [...document.querySelectorAll('.smalls .spark')].filter(inSight).length,
      screens: document.scrollingElement.scrollHeight / innerHeight,
    };
  });
  report.check(where, 'answers on its first screen', [
    !seen.verdict && 'the verdict is out of sight',
    !/ models?[.: ]/.test(seen.text) && seen.text,
    seen.charts === 0 && 'no small chart is in sight',
  ]);
  if (size.width < 500) report.check(where, 'has at most 6 screens', seen.screens > 6 && `${seen.screens.toFixed(1)} screens`);
  await page.close();
}

// The suggestions of the search field, with the keyboard alone.
async function suggest(report, context, base) {
  const where = 'suggestions';
  const { model } = await pick(base);
  const page = await context.newPage();
  await page.goto(base);
  const field = page.locator('header input[data-suggest]');
  await field.focus();
  await field.pressSequentially(model.split('/').pop().slice(0, 5));
  await page.locator('.suggest li').first().waitFor({ timeout: 10_000 });
  const options = await page.locator('.suggest li').count();
  const expanded = await field.getAttribute('aria-expanded');
  await page.keyboard.press('ArrowDown');
  const active = await field.getAttribute('aria-activedescendant');
  report.check(where, 'are a list for the keyboard', [
    options === 0 && 'no option',
    expanded !== 'true' && `aria-expanded is ${expanded}`,
    !active && 'no option is marked',
  ]);
  await page.keyboard.press('Escape');
  report.check(where, 'close with Escape', (await page.locator('.suggest:visible').count()) > 0 && 'the list is open');
  await field.fill('');
  await field.pressSequentially(model);
  await page.locator('.suggest li').first().waitFor({ timeout: 10_000 });
  await page.keyboard.press('ArrowDown');
  await Promise.all([page.waitForURL((url) => url.pathname.startsWith('/models/'), { timeout: 10_000 }), page.keyboard.press('Enter')]);
  report.check(where, 'lead to the page of a model', !page.url().includes('/models/') && page.url());
  await page.close();
}

export async function checkMoney(report, browser, base) {
  for (const size of SIZES)
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ viewport: size, javaScriptEnabled });
      const tasks = [payMonthly, judgeProvider, ...(javaScriptEnabled ? [suggest] : [])];
      for (const task of tasks)
        try {
          await task(report, context, base, size);
        } catch (error) {
          report.check(`${task.name} at ${size.width} px`, 'can be done', error.message.split('\n')[0]);
        }
      await context.close();
    }
}
