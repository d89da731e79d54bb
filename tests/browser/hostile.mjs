// How pages handle hostile names that upstreams might send: `hitrate demo --hostile-names`.

// Runs inside the page.
function facts() {
  // Characters that change the direction of the text around them: Hebrew, Arabic, marks, embeddings, isolates.
  const TURNS = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;
  const holds = (element) => {
    const { display, unicodeBidi } = getComputedStyle(element);
    return !/^inline$|^contents$/.test(display) || /isolate|plaintext/.test(unicodeBidi);
  };
  const behind = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!TURNS.test(node.data) || !node.parentElement.checkVisibility()) continue;
    let box = node.parentElement;
    while (box !== document.body && !holds(box)) box = box.parentElement;
    const rest = document.createRange();
    rest.setStartAfter(node);
    rest.setEndAfter(box.lastChild ?? box);
    // A following isolate or block is independent.
    const open = rest.cloneContents();
    const tail = [...open.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE).map((child) => child.data).join('');
    if (tail.trim() !== '') behind.push(`'${tail.trim().slice(0, 40)}' follows a text that may change its direction, in ${box.tagName.toLowerCase()}.${box.className}`);
  }
  // U+FFFE and controls other than tab and line feed must not get into a page.
  const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/.test(document.documentElement.outerHTML);
  const tall = [...document.querySelectorAll('h1, td, th, li')]
    .filter((element) => element.checkVisibility() && element.scrollHeight > 700 && !element.querySelector('table, ul, ol, figure, pre, dl'))
    .map((element) => `${element.tagName.toLowerCase()}.${element.className} is ${element.scrollHeight} px tall`);
  return { marked: window.__marked === true, behind, controls, tall, scripts: document.querySelectorAll('script:not([src^="/assets/"])').length };
}

// Judges an open page.
export async function checkHostile(report, where, page) {
  const { marked, behind, controls, tall, scripts } = await page.evaluate(facts);
  report.check(where, 'does not run markup from a hostile name', [marked && 'markup from a name was run', scripts !== 0 && `it has ${scripts} scripts of others`]);
  report.check(where, 'keeps the direction of hostile names to themselves', behind);
  report.check(where, 'shows no control characters', controls && 'there are some');
  report.check(where, 'cuts what is too long', tall);
}

// Letters that do not occur in normal names of the simulator.
const STRANGE = /[<"=\u200b\u202e\u{1f9ea}]|W{9}/u;

// The pages of models and providers with hostile names, and pages that show many such names:
// [{ name, path, expectStatus }].
export async function hostilePages(base) {
  const all = async (kind) => (await (await fetch(`${base}/api/v1/${kind}`)).json()).data;
  const [models, providers] = [await all('models?limit=200'), await all('providers')];
  const path = (kind, id) => `/${kind}/${id.split('/').map(encodeURIComponent).join('/')}`;
  const strange = (rows) => rows.filter((row) => STRANGE.test(row.name));
  const found = [
    ...strange(models).map((row) => path('models', row.model_id)),
    ...strange(providers).map((row) => path('providers', row.provider)),
  ];
  const compared = strange(providers).slice(0, 4).map((row) => `e=${encodeURIComponent(row.provider)}`);
  const endpoints = (await (await fetch(`${base}/api/v1/endpoints?sort=tokens&limit=500`)).json()).data.filter((row) => STRANGE.test(row.tag));
  const sides = endpoints.slice(0, 4).map((row) => `e=${encodeURIComponent(`${row.model_id}@${row.tag}`)}`);
  const fixed = ['/', '/?lens=cache', '/models', '/providers', '/explore', '/changes', '/share', '/status', '/search?q=a', '/cost'];
  const asked = [`/compare?${compared.join('&')}`, `/compare?${sides.join('&')}`, '/search?q=W'];
  const pages = [...fixed, ...found, ...asked].map((path) => ({ name: `hostile${path}`, path, expectStatus: 200 }));
  return { pages, strange: found.length, tags: endpoints.length };
}
