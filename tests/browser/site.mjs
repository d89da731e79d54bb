// Selects the pages to check: one of every kind, found by following the site's own links.
import { internalPaths, lensPaths } from './checks.mjs';
import { visit } from './visit.mjs';

const MODEL = /^\/models\/(?!.*\/endpoints\/)[^?]+$/;
const ENDPOINT = /^\/models\/.+\/endpoints\/[^?]+$/;
const PROVIDER = /^\/providers\/[^?]+$/;
// Markup that would run if a page put a search term into its HTML unescaped.
const HOSTILE = `"'><img src=x onerror="window.__marked=true"><script>window.__marked=true</script>`;

// Returns [{ name, path, expectStatus }]; a page that was not found is a failed check.
export async function discover(context, base, report) {
  const front = await visit(context, base, '/');
  const models = internalPaths(await visit(context, base, '/models'), base).filter((path) => MODEL.test(path));
  const providers = internalPaths(await visit(context, base, '/providers'), base).filter((path) => PROVIDER.test(path));
  const endpoints = models.length > 0 ? internalPaths(await visit(context, base, models[0]), base).filter((path) => ENDPOINT.test(path)) : [];
  const lenses = lensPaths(front, base);
  report.check('/', 'links to at least two lenses', lenses.length < 2 && `it links to ${lenses.length}`);
  report.check('/models', 'links to model pages', models.length === 0 && 'no link under /models/');
  report.check(models[0] ?? '/models', 'links to pages of endpoints', endpoints.length === 0 && 'no link to an endpoint');
  report.check('/providers', 'links to provider pages', providers.length === 0 && 'no link under /providers/');
  const pages = [
    { name: 'front', path: '/' },
    ...lenses.slice(0, 8).map((path) => ({ name: `front${path}`, path })),
    { name: 'models', path: '/models' },
    ...models.slice(0, 1).map((path) => ({ name: 'model', path })),
    ...(endpoints.length > 0 ? [{ name: 'endpoint', path: endpoints[0] }] : []),
    ...models.slice(0, 1).map((path) => ({ name: 'model-chosen', path: `${path}?mode=pin&tool=opencode&days=30` })),
    ...models.slice(0, 1).map((path) => ({ name: 'model-wrong', path: `${path}?context=lots`, expectStatus: 400 })),
    { name: 'providers', path: '/providers' },
    ...providers.slice(0, 1).map((path) => ({ name: 'provider', path })),
    { name: 'explore', path: '/explore' },
    { name: 'explore-filtered', path: '/explore?hit=50&sort=hit' },
    { name: 'explore-nothing', path: '/explore?price=0.0000001' },
    { name: 'compare-empty', path: '/compare' },
    ...(providers.length > 1 ? [{ name: 'compare', path: comparison(providers) }] : []),
    { name: 'compare-wrong', path: '/compare?e=nobody-at-all&e=nobody-else', expectStatus: 404 },
    { name: 'changes', path: '/changes' },
    { name: 'share', path: '/share' },
    { name: 'changes-filtered', path: '/changes?group=prices&costs_more=true' },
    { name: 'changes-nothing', path: '/changes?min_percent=1000000' },
    { name: 'changes-wrong', path: '/changes?group=weather', expectStatus: 400 },
    { name: 'method', path: '/method' },
    { name: 'status', path: '/status' },
    { name: 'api', path: '/api' },
    { name: 'cost', path: '/cost' },
    ...models.slice(0, 1).map((path) => ({ name: 'cost-model', path: `/cost?model=${encodeURIComponent(path.slice('/models/'.length))}&turns=5` })),
    ...models.slice(0, 1).map((path) => ({ name: 'cost-month', path: `/cost?bill=300&model=${encodeURIComponent(path.slice('/models/'.length))}` })),
    { name: 'explore-wrong', path: '/explore?hit=lots', expectStatus: 400 },
    { name: 'lens-wrong', path: '/?lens=beauty', expectStatus: 404 },
    { name: 'unknown-model', path: `${models[0] ?? '/models/nobody/none'}x`, expectStatus: 404, near: models[0] },
    { name: 'search-empty', path: '/search?q=' },
    { name: 'search-nothing', path: '/search?q=zzqqxxzzqqxx' },
    { name: 'search-hostile', path: `/search?q=${encodeURIComponent(HOSTILE)}` },
    ...models.slice(0, 1).map((path) => ({ name: 'search', path: searchFor(path), near: path })),
  ];
  return pages.map((page) => ({ expectStatus: 200, ...page }));
}

// The files that accompany the pages: charts and badges of models and providers, the feed, the site map.
export function files(pages) {
  const models = pages.filter(({ path, expectStatus }) => MODEL.test(path) && expectStatus === 200);
  const providers = pages.filter(({ path, expectStatus }) => PROVIDER.test(path) && expectStatus === 200);
  return [
    '/changes.atom',
    '/changes.atom?group=prices',
    ...models.slice(0, 3).map(({ path }) => `${path}/changes.atom`),
    ...providers.slice(0, 3).map(({ path }) => `${path}/changes.atom`),
    '/sitemap.xml',
    '/favicon.svg',
    ...models.map(({ path }) => `/badge/model/${path.slice('/models/'.length)}.svg`),
    ...models.flatMap(({ path }) => ['hit-rate', 'effective-price'].map((chart) => `/chart/model/${path.slice('/models/'.length)}/${chart}.svg`)),
    ...providers.map(({ path }) => `/badge/${path.slice('/providers/'.length)}.svg?lens=cache`),
    ...providers.map(({ path }) => `/chart/provider/${path.slice('/providers/'.length)}/hit-rate.svg`),
  ];
}

// The first two providers side by side.
function comparison(paths) {
  const slug = (path) => path.split('/').pop();
  return `/compare?e=${slug(paths[0])}&e=${slug(paths[1])}`;
}

// The last part of a model's name, as a user would type it.
function searchFor(modelPath) {
  const name = decodeURIComponent(modelPath.split('/').pop());
  return `/search?q=${encodeURIComponent(name)}`;
}

// The checks for certain kinds of page.
export function checkKind(report, page, facts, base) {
  if (page.near) {
    const there = internalPaths(facts, base).includes(page.near) || facts.finalUrl === base + page.near;
    report.check(page.path, 'offers the nearest name', !there && `there is no link to ${page.near}`);
  }
  if (page.name === 'search-hostile')
    report.check(page.path, 'shows a hostile search term as text', facts.marked && 'markup in the search term was run');
}
