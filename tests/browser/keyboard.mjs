// Goes through a page using only the keyboard.

// More stops than any page has: reaching this number means a keyboard trap.
const MOST_STOPS = 1500;
// Navigation, search and footer already have more.
const FEWEST_STOPS = 12;

// Runs inside the page: the focused element, and whether the focus is visible.
function stop() {
  const element = document.activeElement;
  if (!element || element === document.body || element === document.documentElement) return null;
  window.__stops ??= [];
  const known = window.__stops.indexOf(element);
  if (known < 0) window.__stops.push(element);
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    again: known >= 0,
    what: `${element.tagName.toLowerCase()}.${element.className} '${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 30)}'`,
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1,
    inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}

// Runs inside the page: elements that should have been stops but were not, and stops out of page order.
function missed() {
  const CAN = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const stops = window.__stops ?? [];
  const name = (e) => `${e.tagName.toLowerCase()}.${e.className} '${(e.textContent ?? '').trim().slice(0, 40)}'`;
  const shown = [...document.querySelectorAll(CAN)].filter((e) => e.checkVisibility({ visibilityProperty: true }));
  const follows = (a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
  const scrolling = [...document.querySelectorAll('*')].filter(
    (e) => /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1 && e.checkVisibility(),
  );
  return [
    ...shown.filter((e) => !stops.includes(e)).map((e) => `${name(e)} cannot be reached`),
    ...scrolling.filter((e) => !stops.includes(e) && !stops.some((s) => e.contains(s))).map((e) => `${name(e)} cannot be scrolled`),
    ...stops.slice(1).filter((e, index) => !follows(stops[index], e)).map((e) => `${name(e)} comes too late`),
  ];
}

// Tabs through the whole page; returns the problems, one sentence each.
async function walk(page) {
  const problems = [];
  for (let count = 0; count < MOST_STOPS; count += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(stop);
    if (!at || at.again) return [...problems, count < FEWEST_STOPS && `it ends after ${count} stops`, ...(await page.evaluate(missed))];
    if (!at.outlined) problems.push(`the focus cannot be seen at ${at.what}`);
    if (!at.inView) problems.push(`the focus is out of sight at ${at.what}`);
  }
  return [...problems, `it does not end after ${MOST_STOPS} stops`];
}

async function skipLink(page) {
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => {
    const box = document.activeElement.getBoundingClientRect();
    return { skip: document.activeElement.className === 'skip', seen: box.top >= 0 && box.height > 0 };
  });
  await page.keyboard.press('Enter');
  const inMain = await page.evaluate(() => document.activeElement?.id === 'main');
  await page.keyboard.press('Tab');
  const next = await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest('main, footer'));
  return [
    !first.skip && 'the first stop is not the skip link',
    !first.seen && 'the skip link does not come into view',
    !inMain && 'the skip link does not lead to the content',
    !next && 'the stop after the skip link is not in the content',
  ];
}

// Opens and closes every kind of collapsible element with Enter.
async function folds(page) {
  const problems = [];
  const count = await page.locator('summary:visible').count();
  for (let index = 0; index < Math.min(count, 3); index += 1) {
    const summary = page.locator('summary:visible').nth(index);
    const isOpen = () => summary.evaluate((element) => element.parentElement.open);
    const before = await isOpen();
    await summary.focus();
    await page.keyboard.press('Enter');
    if ((await isOpen()) === before) problems.push(`Enter does not toggle '${await summary.textContent()}'`);
    await page.keyboard.press('Enter');
    if ((await isOpen()) !== before) problems.push(`Enter does not toggle '${await summary.textContent()}' back`);
  }
  return problems;
}

// Enter on a heading sorts by its column, and the heading shows it.
async function sorting(page) {
  const button = page.locator('table.sortable button.sort:visible').first();
  if ((await button.count()) === 0) return [];
  await button.focus();
  await page.keyboard.press('Enter');
  const order = await button.evaluate((element) => element.closest('th').getAttribute('aria-sort'));
  return [!order && 'Enter on a heading does not sort'];
}

// A copy button copies the preceding text to the clipboard and confirms it.
async function copying(page) {
  const button = page.locator('button.copy:visible').first();
  if ((await button.count()) === 0) return [];
  const text = await button.evaluate((element) => element.previousElementSibling.textContent.trim());
  await button.focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction((element) => element.textContent !== 'Copy', await button.elementHandle(), { timeout: 5000 });
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  return [
    (await button.textContent()) !== 'Copied' && `the button says '${await button.textContent()}'`,
    copied !== text && `the clipboard holds '${copied.slice(0, 60)}'`,
  ];
}

const STEPS = { 'begins with a skip link': skipLink, 'can be gone through': walk, 'has folds that turn': folds, 'sorts': sorting, 'copies': copying };

// The keyboard's walk through one page at one size.
export async function checkKeyboard(report, context, base, path, size) {
  for (const [what, step] of Object.entries(STEPS)) {
    const page = await context.newPage();
    try {
      await page.goto(base + path, { waitUntil: 'load' });
      report.check(`${path} at ${size.width} by keyboard`, what, await step(page));
    } catch (error) {
      report.check(`${path} at ${size.width} by keyboard`, what, error.message.split('\n')[0]);
    } finally {
      await page.close();
    }
  }
}
