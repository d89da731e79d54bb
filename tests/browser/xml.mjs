// XML files for programs: parsed by Chromium, and checked against the rules of the Atom feed (RFC 4287) and the site map
// (sitemaps.org).

const ATOM = 'http://www.w3.org/2005/Atom';
const SITE_MAP = 'http://www.sitemaps.org/schemas/sitemap/0.9';

// Runs inside a page: the first error of the parser, or the tree as plain objects.
function parse(text) {
  const root = new DOMParser().parseFromString(text, 'application/xml').documentElement;
  const error = root.ownerDocument.querySelector('parsererror');
  if (error) return { error: error.textContent.slice(0, 300) };
  const plain = (element) => ({
    name: element.localName,
    namespace: element.namespaceURI,
    attributes: Object.fromEntries([...element.attributes].map((a) => [a.name, a.value])),
    text: element.childElementCount === 0 ? element.textContent : '',
    children: [...element.children].map(plain),
  });
  return { root: plain(root) };
}

const named = (element, name) => element.children.filter((child) => child.name === name);
const isTime = (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));

function picture(root) {
  return [
    root.namespace !== 'http://www.w3.org/2000/svg' && `its root is ${root.name} of ${root.namespace}`,
    named(root, 'title').length !== 1 && 'it has no title',
    named(root, 'title')[0]?.text.trim() === '' && 'its title is empty',
  ];
}

function entryOrFeed(what, element) {
  const once = ['id', 'title', 'updated'].filter((name) => named(element, name).length !== 1);
  const ids = named(element, 'id').map((id) => id.text);
  return [
    ...once.map((name) => `${what} has ${named(element, name).length} ${name}`),
    !ids.every((id) => URL.canParse(id)) && `${what} has an id that is not an IRI: ${ids}`,
    !named(element, 'updated').every((at) => isTime(at.text)) && `${what} has an 'updated' that is not a time`,
    !named(element, 'link').some((link) => (link.attributes.rel ?? 'alternate') === 'alternate') && `${what} has no alternate`,
    !named(element, 'link').every((link) => link.attributes.href) && `${what} has a link without an address`,
  ];
}

function feed(root) {
  const entries = named(root, 'entry');
  const ids = entries.flatMap((entry) => named(entry, 'id').map((id) => id.text));
  return [
    (root.name !== 'feed' || root.namespace !== ATOM) && `its root is ${root.name} of ${root.namespace}`,
    ...entryOrFeed('the feed', root),
    named(root, 'author').length === 0 && 'the feed has no author',
    new Set(ids).size !== entries.length && 'two entries have the same id',
    ...entries.flatMap((entry, index) => entryOrFeed(`entry ${index}`, entry)),
  ];
}

function siteMap(root, base) {
  const urls = named(root, 'url');
  const places = urls.flatMap((url) => named(url, 'loc').map((loc) => loc.text));
  return [
    (root.name !== 'urlset' || root.namespace !== SITE_MAP) && `its root is ${root.name} of ${root.namespace}`,
    (urls.length === 0 || urls.length > 50_000) && `it has ${urls.length} addresses`,
    places.length !== urls.length && 'an entry has not one address',
    ...places.filter((loc) => !URL.canParse(loc) || new URL(loc).origin !== base).map((loc) => `'${loc}' is not an address of this site`),
    places.some((loc) => loc.length >= 2048) && 'an address is too long',
    new Set(places).size !== places.length && 'an address is listed twice',
    !urls.every((url) => named(url, 'lastmod').every((at) => /^\d{4}-\d\d-\d\d$/.test(at.text))) && 'a lastmod is not a date',
  ];
}

const KINDS = { 'image/svg+xml': picture, 'application/atom+xml': feed, 'application/xml': siteMap };

// Checks every file of `paths`; `page` is any open page, used for its parser.
export async function checkFiles(report, page, base, paths) {
  let charts = 0;
  for (const path of paths) {
    const response = await fetch(base + path);
    const type = (response.headers.get('content-type') ?? '').split(';')[0];
    const judge = KINDS[type];
    // An endpoint that was never used has no days to draw.
    if (response.status === 404 && path.startsWith('/chart/')) continue;
    if (path.startsWith('/chart/')) charts += 1;
    if (!report.check(path, 'is a file of a known kind', (response.status !== 200 || !judge) && `${response.status} ${type}`)) continue;
    const { error, root } = await page.evaluate(parse, await response.text());
    report.check(path, `is well-formed and a proper ${type}`, error ? [error] : judge(root, base));
  }
  report.check('charts', 'are there', charts === 0 && 'there is none');
}
