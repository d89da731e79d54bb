// Visits pages at every size and in both schemes, with and without JavaScript, and follows their links.
import { violations } from './axe.mjs';
import { checkPage, checkWithoutScript } from './checks.mjs';
import { htmlProblems } from './html.mjs';
import { LinkCheck } from './links.mjs';
import { visit } from './visit.mjs';

export const WIDTHS = [
  { width: 360, height: 740 },
  { width: 768, height: 1024 },
  { width: 1440, height: 900 },
];
export const SCHEMES = ['light', 'dark'];
const LINK_LIMIT = 150;

// A visit that fails completely is a failed check; the others continue.
async function tryVisit(report, where, context, base, page, options = {}) {
  try {
    return await visit(context, base, page.path, { expectStatus: page.expectStatus, ...options });
  } catch (error) {
    report.check(where, 'can be visited', error.message.split('\n')[0]);
    return null;
  }
}

// Returns the facts of every page, by path, for this size and scheme. `look` gets every open page.
export async function lookAtAll(report, browser, base, pages, { size, scheme, picture, look, ...expected }) {
  const context = await browser.newContext({ viewport: size, colorScheme: scheme });
  const seen = new Map();
  for (const page of pages) {
    const where = `${page.path} at ${size.width} ${scheme}`;
    const screenshot = picture?.(page, size, scheme) ?? null;
    const also = (open, text) => look?.(where, open, text);
    const facts = await tryVisit(report, where, context, base, page, { screenshot, also });
    if (!facts) continue;
    checkPage(report, where, facts, { ...page, ...expected });
    seen.set(page.path, facts);
  }
  await context.close();
  return seen;
}

// Runs axe-core on an open page.
export async function checkAccess(report, where, page) {
  report.check(where, 'has no violation that axe-core finds', await violations(page));
}

// Validates the HTML that was sent.
export async function checkHtml(report, path, text) {
  report.check(path, 'is valid HTML', await htmlProblems(text, path));
}

export async function lookWithoutScript(report, browser, base, pages, seen) {
  const context = await browser.newContext({ viewport: WIDTHS[2], javaScriptEnabled: false });
  for (const page of pages) {
    const where = `${page.path} without JavaScript`;
    const facts = await tryVisit(report, where, context, base, page);
    const before = seen.get(page.path);
    if (facts && before) checkWithoutScript(report, where, before, facts);
  }
  await context.close();
}

export async function followLinks(report, base, seen) {
  const links = new LinkCheck(base);
  for (const [path, facts] of seen)
    for (const link of facts.links) {
      // The skip link of a missing page points to that page; its status was checked already.
      const toItself = facts.status >= 400 && link.url?.split('#')[0] === facts.finalUrl.split('#')[0];
      if (link.follow && link.url && !toItself) links.add(link.url, path);
    }
  const problems = await links.follow(LINK_LIMIT);
  report.check('links', `all of ${links.followed} followed links answer`, problems);
  report.check('links', 'there are some', links.followed < 5 && `only ${links.followed} were found`);
}
