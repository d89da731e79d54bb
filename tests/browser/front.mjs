// What a reader can do on the front page and in the list of models, and the look that all pages share: the first
// screen, the number of screens on a phone, places that are kept, colours, sorting, filtering, print.

const PHONE = { width: 390, height: 844 };
const SIZES = [PHONE, { width: 768, height: 1024 }, { width: 1440, height: 900 }];
const MOST_SCREENS = 5;
const LEAST_TARGET = 24;

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

// Runs inside the page: targets that are lower or narrower than `least`, except links inside a sentence.
function smallTargets(least) {
  const isInSentence = (element) => {
    const box = element.closest('p, dd, li, small');
    return box !== null && box.textContent.trim() !== element.textContent.trim();
  };
  const hidden = (element) => !element.checkVisibility() || element.matches('.skip, .vh');
  return [...document.querySelectorAll('main a[href], header a[href], main button, header button, main summary, main select')]
    .filter((element) => !hidden(element) && !isInSentence(element))
    .filter((element) => element.getBoundingClientRect().height < least - 0.5)
    .map((element) => `${element.tagName.toLowerCase()}.${element.className} '${element.textContent.trim().slice(0, 30)}'`);
}

async function firstScreen(report, browser, base) {
  for (const viewport of SIZES) {
    const where = `/ at ${viewport.width}`;
    const seen = await withPage(browser, base, '/', { viewport }, (page) =>
      page.evaluate(() => ({
        list: document.querySelector('.tierlist').getBoundingClientRect().top,
        screens: document.documentElement.scrollHeight / innerHeight,
      })),
    );
    report.check(where, 'begins the tier list on the first screen', seen.list > viewport.height * 0.8 && `it begins at ${seen.list} px`);
    if (viewport === PHONE)
      report.check(where, `has at most ${MOST_SCREENS} screens`, seen.screens > MOST_SCREENS && `it has ${seen.screens.toFixed(1)}`);
  }
}

async function targets(report, browser, base) {
  for (const path of ['/', '/models'])
    for (const viewport of [PHONE, SIZES[2]]) {
      const small = await withPage(browser, base, path, { viewport }, (page) => page.evaluate(smallTargets, LEAST_TARGET));
      report.check(`${path} at ${viewport.width}`, `has targets of at least ${LEAST_TARGET} px`, small.slice(0, 5));
    }
}

// A click on a lens or workload leads to a page that shows the tabs where they were: at the top of the window.
async function lensKeepsPlace(report, browser, base) {
  for (const viewport of SIZES)
    for (const label of ['Lens', 'Workload']) {
      const top = await withPage(browser, base, '/', { viewport }, async (page) => {
        await page.evaluate(() => document.getElementById('tiers').scrollIntoView());
        await page.locator(`nav[aria-label=${label}] a:not([aria-current])`).first().click();
        await page.waitForURL(/#tiers$/, { waitUntil: 'load' });
        return page.evaluate(() => document.querySelector('nav[aria-label=Lens]').getBoundingClientRect().top);
      });
      report.check(`/ at ${viewport.width}`, `keeps the reader’s place on a click on a ${label.toLowerCase()}`, (top < -5 || top > 200) && `the tabs are at ${top} px`);
    }
}

const background = (page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

async function colours(report, browser, base) {
  const options = { viewport: SIZES[2], colorScheme: 'light' };
  const problems = await withPage(browser, base, '/', options, async (page) => {
    const button = page.locator('button.theme');
    const names = [];
    const seen = [];
    for (let click = 0; click < 3; click += 1) {
      names.push(await button.textContent());
      seen.push(await background(page));
      await button.click();
    }
    const [auto, light, dark] = seen;
    await button.click();
    await button.click();
    const chosen = await background(page);
    await page.goto(`${base}/models`, { waitUntil: 'commit' });
    await page.waitForSelector('main');
    const kept = await background(page);
    return [
      names.join() !== 'Auto,Light,Dark' && `the states are ${names}`,
      auto !== light && 'the system’s choice is not light here',
      dark === light && 'dark looks like light',
      chosen !== dark && 'the switch does not return to dark',
      kept !== dark && 'the next page forgets the choice',
    ];
  });
  report.check('/', 'has a switch for the colours that is remembered', problems);
  const system = await withPage(browser, base, '/', { ...options, colorScheme: 'dark' }, background);
  const without = { ...options, colorScheme: 'dark', javaScriptEnabled: false };
  const plain = await withPage(browser, base, '/', without, async (page) => [await page.locator('button.theme').isVisible(), await background(page)]);
  report.check('/', 'follows the system without JavaScript', [plain[0] && 'the switch is shown', plain[1] !== system && `the background is ${plain[1]}`]);
}

async function sorting(report, browser, base) {
  const problems = await withPage(browser, base, '/models', { viewport: SIZES[2] }, async (page) => {
    const state = () =>
      page.evaluate(() => {
        const table = document.querySelector('table.sortable');
        const sorted = [...table.tHead.rows[0].cells].find((cell) => cell.ariaSort);
        return `${sorted?.textContent}: ${sorted?.ariaSort}; ${[...table.tBodies[0].rows].slice(0, 5).map((row) => row.cells[0].textContent).join()}`;
      });
    await page.getByRole('button', { name: /^Hit rate/ }).first().click();
    await page.getByRole('button', { name: /^Hit rate/ }).first().click();
    const address = page.url();
    const sorted = await state();
    await page.goto('about:blank');
    await page.goto(address);
    return [
      !/#sort=standard\.hit-rate\.asc$/.test(address) && `the address is ${address}`,
      !/Hit rate.*: ascending/.test(sorted) && `the table says ${sorted}`,
      (await state()) !== sorted && `the address shows ${await state()} instead of ${sorted}`,
    ];
  });
  report.check('/models', 'keeps the order of a table in its address', problems);
}

async function filtering(report, browser, base) {
  const problems = await withPage(browser, base, '/models', { viewport: SIZES[2] }, async (page) => {
    const shown = () => page.evaluate(() => [...document.querySelectorAll('table.long tbody tr')].filter((row) => row.checkVisibility()).map((row) => row.textContent.toLowerCase()));
    const name = await page.evaluate(() => document.querySelector('table.long tbody tr:last-child th small').textContent);
    await page.fill('#filter', name);
    const found = await shown();
    await page.fill('#filter', 'no model is called like this');
    const none = await shown();
    await page.fill('#filter', '');
    await page.check('#differs');
    const differing = await shown();
    const expected = await page.locator('table.long tr.differs').count();
    return [
      (found.length === 0 || !found.every((row) => row.includes(name.toLowerCase()))) && `'${name}' shows ${found.length} rows`,
      none.length > 0 && `a wrong name shows ${none.length} rows`,
      differing.length !== expected && `${differing.length} of ${expected} differences are shown`,
    ];
  });
  report.check('/models', 'filters its rows', problems);
}

async function printing(report, browser, base) {
  const problems = await withPage(browser, base, '/', { viewport: SIZES[2], colorScheme: 'dark' }, async (page) => {
    await page.emulateMedia({ media: 'print' });
    return [
      (await page.locator('header nav').isVisible()) && 'the navigation is printed',
      (await background(page)) !== 'rgb(255, 255, 255)' && `the background is ${await background(page)}`,
      !(await page.locator('.tierlist').isVisible()) && 'the tier list is not printed',
    ];
  });
  report.check('/', 'prints black on white without the navigation', problems);
}

async function yourModel(report, browser, base) {
  const [model] = (await (await fetch(`${base}/api/v1/models?limit=1`)).json()).data;
  const problems = await withPage(browser, base, '/', { viewport: PHONE }, async (page) => {
    const tiles = await page.locator('.tiles a[href^="/models/"]').count();
    await page.fill('#model', model.name);
    await page.press('#model', 'Enter');
    await page.waitForURL(/\/models\/|\/search\?/);
    return [tiles === 0 && 'no model is offered', !page.url().includes('/models/') && `'${model.name}' leads to ${page.url()}`];
  });
  report.check('/', 'leads to a model by its name', problems);
}

// Checks the front page, the list of models, and the look.
export async function checkFront(report, browser, base) {
  for (const check of [firstScreen, targets, lensKeepsPlace, colours, sorting, filtering, printing, yourModel]) {
    try {
      await check(report, browser, base);
    } catch (error) {
      report.check(check.name, 'gets through', error.message.split('\n')[0]);
    }
  }
}
