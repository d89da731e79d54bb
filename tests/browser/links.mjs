// Follows internal links without a browser: every one must answer, and every #fragment must exist.

const AT_ONCE = 4;

// The first part of the path: links are followed round-robin by it, so a thousand model pages do not crowd out the rest.
const kindOf = (url) => `${url.pathname.split('/')[1] ?? ''}${url.search ? '?' : ''}`;

function hrefsOf(html, pageUrl) {
  const tags = html.matchAll(/<(?:a|link|img|script)\b[^>]*?\s(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi);
  return [...tags].map((found) => {
    const raw = (found[1] ?? found[2] ?? found[3]).replaceAll('&amp;', '&').replaceAll('&#38;', '&');
    return URL.canParse(raw, pageUrl) ? new URL(raw, pageUrl).href : `invalid:${raw}`;
  });
}

export class LinkCheck {
  #base;
  #queues = new Map();
  #known = new Set();
  #ids = new Map();
  #fragments = [];
  problems = [];
  followed = 0;

  constructor(base) {
    this.#base = new URL(base).origin;
  }

  // Records that `from` links to `address`; other hosts are ignored.
  add(address, from) {
    if (address.startsWith('invalid:')) {
      this.problems.push(`${from} has a link that is not an address: '${address.slice(8)}'`);
      return;
    }
    const url = new URL(address);
    if (url.origin !== this.#base) return;
    if (url.hash.length > 1) this.#fragments.push({ page: url.pathname + url.search, id: decodeURIComponent(url.hash.slice(1)), from });
    url.hash = '';
    const key = url.pathname + url.search;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    const kind = kindOf(url);
    if (!this.#queues.has(kind)) this.#queues.set(kind, []);
    this.#queues.get(kind).push({ key, from });
  }

  // Follows up to `limit` links, round-robin over kinds, including links found on the way.
  async follow(limit) {
    while (this.followed < limit) {
      const batch = this.#take(Math.min(AT_ONCE, limit - this.followed));
      if (batch.length === 0) break;
      this.followed += batch.length;
      await Promise.all(batch.map((link) => this.#fetch(link)));
    }
    for (const { page, id, from } of this.#fragments) {
      const ids = this.#ids.get(page);
      if (ids && !ids.has(id)) this.problems.push(`${from} links to ${page}#${id}, which does not exist`);
    }
    return this.problems;
  }

  #take(count) {
    const batch = [];
    while (batch.length < count && this.#queues.size > 0) {
      const [kind, queue] = this.#queues.entries().next().value;
      this.#queues.delete(kind);
      batch.push(queue.shift());
      if (queue.length > 0) this.#queues.set(kind, queue);
    }
    return batch;
  }

  async #fetch({ key, from }) {
    try {
      const response = await fetch(this.#base + key, { signal: AbortSignal.timeout(30_000) });
      const body = await response.text();
      if (response.status !== 200) this.problems.push(`${from} links to ${key}, which answers ${response.status}`);
      if (!(response.headers.get('content-type') ?? '').startsWith('text/html')) return;
      const ids = [...body.matchAll(/\sid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)];
      this.#ids.set(key, new Set(ids.map((found) => found[1] ?? found[2] ?? found[3])));
      for (const address of hrefsOf(body, response.url)) this.add(address, key);
    } catch (error) {
      this.problems.push(`${from} links to ${key}, which does not answer: ${error.cause?.message ?? error.message}`);
    }
  }
}
