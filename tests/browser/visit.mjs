// One visit to one page in one browser context: the complaints of the browser, and facts about the page.

// Runs inside the page. Plain facts only; checks.mjs judges them.
function pageFacts() {
  const root = document.documentElement;
  const seen = (element) => element.getClientRects().length > 0;
  const scrolls = (element) => {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement)
      if (getComputedStyle(at).overflowX !== 'visible') return true;
    return false;
  };
  const tooWide = [...document.body.querySelectorAll('*')]
    .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1 && seen(element) && !scrolls(element))
    .slice(0, 3)
    .map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''}`);
  const background = [document.body, root]
    .map((element) => getComputedStyle(element).backgroundColor)
    .find((color) => color !== 'rgba(0, 0, 0, 0)');
  const links = [...document.querySelectorAll('a[href], link[href], img[src], script[src], form[action]')].map((element) => ({
    url: element.href || element.src || element.action,
    lens: element.dataset?.lens ?? null,
    follow: element.tagName !== 'FORM' && !/preconnect|dns-prefetch/.test(element.rel ?? ''),
  }));
  return {
    title: document.title.trim(),
    headings: [...document.querySelectorAll('h1')].map((element) => element.textContent.trim()),
    language: root.lang,
    viewportTag: document.querySelector('meta[name=viewport]') !== null,
    scrollWidth: document.scrollingElement.scrollWidth,
    // Excludes the scroll bar, so it is never more than innerWidth: the stricter of the two.
    clientWidth: root.clientWidth,
    tooWide,
    background: background ?? 'none',
    text: document.body.innerText,
    links,
    ids: [...document.querySelectorAll('[id]')].map((element) => element.id),
    marked: window.__marked === true,
  };
}

// Visits `path` and returns { status, finalUrl, complaints, ...facts }. Complaints are sentences. `also` gets the open
// page and the text that was sent; `ready` is awaited with the page before its facts are read.
export async function visit(context, base, path, { expectStatus = 200, screenshot = null, also = null, ready = null } = {}) {
  const page = await context.newPage();
  const complaints = [];
  const url = new URL(path, base).href;
  const isThePage = (address) => address === url || address === page.url();
  page.on('console', (message) => {
    // The browser also reports the page's own 404 on the console, where it is expected.
    const expected = expectStatus >= 400 && isThePage(message.location().url);
    if (message.type() === 'error' && !expected) complaints.push(`console error: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
  page.on('requestfailed', (request) => complaints.push(`request failed: ${request.url()} ${request.failure()?.errorText ?? ''}`));
  page.on('request', (request) => {
    const address = new URL(request.url());
    if (/^https?:$/.test(address.protocol) && address.origin !== new URL(base).origin)
      complaints.push(`requests another host: ${request.url()}`);
  });
  page.on('response', (response) => {
    const own = response.request().isNavigationRequest();
    if (!own && response.status() >= 400) complaints.push(`status ${response.status()}: ${response.url()}`);
  });
  try {
    const response = await page.goto(url, { waitUntil: 'load', timeout: 30_000 });
    if (ready) await ready(page);
    const facts = await page.evaluate(pageFacts);
    if (screenshot) await page.screenshot({ path: screenshot, fullPage: true, animations: 'disabled' });
    if (also) await also(page, (await response?.text()) ?? '');
    return { status: response?.status() ?? 0, finalUrl: page.url(), complaints, ...facts };
  } finally {
    await page.close();
  }
}
