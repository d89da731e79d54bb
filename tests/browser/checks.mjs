// The requirements for every page: judges the facts of one visit.

// The checks of one page at one size and scheme, with JavaScript on.
export function checkPage(report, where, page, { expectStatus = 200, simulated = true } = {}) {
  report.check(where, `answers ${expectStatus}`, page.status !== expectStatus && `it answered ${page.status}`);
  report.check(where, 'no console errors, script errors, failed or foreign requests', page.complaints);
  report.check(where, 'does not scroll sideways', wide(page));
  report.check(where, 'has a title, one heading, a language and a viewport', headed(page));
  if (simulated) report.check(where, 'says that it is simulated', !/simulat/i.test(page.text) && 'the word is nowhere on the page');
}

function wide({ scrollWidth, clientWidth, tooWide }) {
  if (scrollWidth <= clientWidth) return [];
  const who = tooWide.length > 0 ? `; sticking out: ${tooWide.join(', ')}` : '';
  return [`the content is ${scrollWidth} px wide in a window of ${clientWidth}${who}`];
}

function headed({ title, headings, language, viewportTag }) {
  return [
    title === '' && 'the title is empty',
    headings.length !== 1 && `it has ${headings.length} h1: ${headings.join(' | ')}`,
    headings[0] === '' && 'its h1 is empty',
    !language && 'html has no lang attribute',
    !viewportTag && 'there is no viewport tag: a phone would shrink the page',
  ];
}

// The heading of a page without its figures: a newer snapshot may be shown between two visits.
const words = ({ headings }) => headings.join(' | ').replace(/\d[\d.,]*/g, '0');

// A page without JavaScript must have the same content: the same heading and almost as much text.
export function checkWithoutScript(report, where, withScript, without) {
  report.check(where, 'says the same without JavaScript', [
    without.status !== withScript.status && `it answered ${without.status} instead of ${withScript.status}`,
    words(without) !== words(withScript) && `its h1 is '${words(without)}' instead of '${words(withScript)}'`,
    without.text.length < withScript.text.length * 0.9 &&
      `only ${without.text.length} of ${withScript.text.length} characters of text are there`,
    ...without.complaints,
  ]);
}

// The internal paths that a page links to: without fragments, in order of appearance, without duplicates.
export function internalPaths(page, base) {
  const paths = page.links
    .filter((link) => link.follow && URL.canParse(link.url) && new URL(link.url).origin === base)
    .map((link) => new URL(link.url))
    .map((url) => url.pathname + url.search);
  return [...new Set(paths)];
}

// The tabs of the tier list: one path for each lens that the front page links to.
export function lensPaths(page, base) {
  const byLens = new Map();
  for (const link of page.links) {
    if (!link.url || !URL.canParse(link.url) || new URL(link.url).origin !== base) continue;
    const url = new URL(link.url);
    const lens = link.lens ?? url.searchParams.get('lens');
    if (lens && url.pathname === '/' && !byLens.has(lens)) byLens.set(lens, url.pathname + url.search);
  }
  return [...byLens.values()];
}
