// A site without a service: search, explorer and comparison over the index that was published with the pages.
"use strict";
(async () => {
  const { base, index } = document.currentScript.dataset;
  const asked = new URLSearchParams(location.search);
  const main = document.getElementById("main");
  const make = (tag, props = {}, ...inside) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...inside);
    return node;
  };
  const hint = (text) => main.querySelector("h1").after(make("p", { className: "hint", role: "alert" }, text));
  const wordsOf = (text) => (text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (text, words) => words.every((word) => text.toLowerCase().includes(word));

  let data;
  try {
    const answer = await fetch(index);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    data = await answer.json();
  } catch (error) {
    hint(`The index of this copy could not be loaded (${error.message}); the pages themselves are all there.`);
    return;
  }

  // As the server writes them.
  const usd = (v) => {
    if (v === 0) return "$0";
    if (v >= 1000) return "$" + Math.round(v).toLocaleString("en");
    const digits = v >= 1 ? 2 : Math.min(9, Math.max(2, 2 - Math.floor(Math.log10(v))));
    return "$" + v.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, "$1");
  };
  const percent = (v) => {
    const p = v * 100;
    return p.toFixed((p > 99 && p < 100) || (p > 0 && p < 1) ? 1 : 0) + "\u202f%";
  };
  const uptime = (v) => (v >= 1 ? "100" : (Math.floor(v * 1000) / 10).toFixed(1)) + "\u202f%";
  const speed = (v) => v.toFixed(0);
  const context = (v) => (v >= 1e6 ? (v / 1e6).toFixed(1).replace(".0", "") + "M" : v >= 1e3 ? Math.floor(v / 1e3) + "k" : `${v}`);
  const tokens = (v) => {
    const [scale, letter] = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([s]) => v >= s * 0.9995) ?? [0];
    return scale ? (v / scale).toFixed(v / scale < 9.95 ? 1 : 0) + "\u202f" + letter : v.toFixed(0);
  };
  // In the order of a row's numbers: name, how it is written, words for its absence, smallest first, title.
  const COLUMNS = [
    ["session", usd, "not priced", true, `Session, ${data.workload}, USD`],
    ["price", usd, "no traffic", true, "Input, paid, USD per million"],
    ["list", usd, "not listed", true, "Input, listed, USD per million"],
    ["hit", percent, "no traffic", false, "Hit rate"],
    ["uptime", uptime, "not published", false, "Uptime, 1 day"],
    ["speed", speed, "not measured", false, "Tokens a second"],
    ["context", context, "not told", false, "Context, tokens"],
    ["tokens", tokens, "no traffic", false, "Tokens a day"],
  ];
  const written = (values, at) => (values[at] === null ? COLUMNS[at][2] : COLUMNS[at][1](values[at]));
  const rows = data.endpoints.map(([m, p, name, tag, tier, values, quant, parameters, prompts]) => {
    const [id, title, standard, href] = data.models[m];
    return { id, title, standard, href, provider: data.providers[p], name, tag, tier, values, quant, prompts,
      parameters: parameters.map((at) => data.parameters[at].toLowerCase()) };
  });

  function search() {
    const q = (asked.get("q") ?? "").trim().slice(0, 200);
    const same = (text) => text.toLowerCase() === q.toLowerCase();
    const providers = data.providers.map(([id, name, href]) => ({ id, name, href }));
    const models = data.models.map(([id, name, , href]) => ({ id, name, href }));
    if (!q) return;
    document.getElementById("q").value = q;
    const exact = [...providers, ...models].find((f) => same(f.id) || same(f.name));
    if (exact) return location.replace(base + exact.href);
    const lede = main.querySelector(".lede");
    const found = [["Providers", providers], ["Models", models]].map(([title, all]) => [title, all.filter((f) => holds(`${f.id} ${f.name}`, wordsOf(q)))]);
    const any = found.some(([, list]) => list.length);
    lede.replaceChildren(any ? "For “" : "Nothing is called “", make("bdi", {}, q), any ? "”:" : "”.");
    for (const [title, list] of found.filter(([, list]) => list.length)) {
      const link = (f) => make("li", {}, make("a", { href: base + f.href }, make("bdi", {}, f.name)), " ", make("code", {}, f.id));
      main.append(make("section", {}, make("h2", {}, `${title} `, make("span", { className: "count" }, `${list.length}`)), make("ul", { className: "found" }, ...list.map(link))));
    }
  }

  // Reads the fields of the filter; what cannot be understood is left out and told of.
  function filter(wrong) {
    const text = (field) => (asked.get(field) ?? "").trim().slice(0, 100);
    const number = (field, scale = 1) => {
      const [, digits, unit] = /^(\d*\.?\d+)\s*([km%]?)$/i.exec(text(field)) ?? [];
      if (text(field) && !digits) wrong.push(`“${text(field)}” in the field “${field}”`);
      return digits ? Number(digits) * ({ k: 1e3, m: 1e6 }[unit.toLowerCase()] ?? 1) * scale : null;
    };
    const [words, provider, quant] = [wordsOf(text("q")), text("provider").toLowerCase(), text("quant").toLowerCase()];
    const most = [[1, number("price")], [2, number("list")]].filter(([, limit]) => limit !== null);
    const least = [[3, number("hit", 0.01)], [6, number("context")]].filter(([, limit]) => limit !== null);
    const parameters = text("param").toLowerCase().split(/[, ]+/).filter(Boolean);
    const prompts = { "no-training": 1, "not-kept": 2 }[text("data")] ?? 0;
    return (row) =>
      (text("variants") === "all" || row.standard) &&
      (!provider || row.provider?.[0] === provider) &&
      (!quant || row.quant?.toLowerCase() === quant) &&
      row.prompts >= prompts &&
      most.every(([at, limit]) => row.values[at] !== null && row.values[at] <= limit) &&
      least.every(([at, limit]) => row.values[at] !== null && row.values[at] >= limit - 1e-9) &&
      parameters.every((name) => row.parameters.includes(name)) &&
      holds(`${row.id} ${row.title} ${row.name} ${row.tag}`, words);
  }

  function explore() {
    const table = main.querySelector("table");
    const first = table?.tBodies[0].rows[0];
    if (!first || !location.search) return;
    for (const [field, value] of asked) {
      const input = main.querySelector(`form.filter [name="${CSS.escape(field)}"]`);
      if (input?.type === "checkbox") input.checked = value === "all";
      else if (input) input.value = value;
    }
    const wrong = [];
    const kept = rows.filter(filter(wrong));
    if (wrong.length) hint(`Left out, because it could not be understood: ${wrong.join(", ")}.`);
    const at = Math.max(0, COLUMNS.findIndex(([name]) => name === (asked.get("sort") || "tokens")));
    const up = { asc: true, desc: false }[asked.get("dir")] ?? COLUMNS[at][3];
    kept.sort((a, b) => {
      const [x, y] = [a.values[at], b.values[at]];
      return x === null || y === null ? (x === null) - (y === null) : up ? x - y : y - x;
    });
    const pages = Math.max(1, Math.ceil(kept.length / 50));
    const page = Math.min(pages, Math.max(1, Number.parseInt(asked.get("page"), 10) || 1));
    const address = (changes) => {
      const to = new URLSearchParams([...asked].filter(([, value]) => value));
      for (const [name, value] of Object.entries(changes)) to.set(name, value);
      return `?${to}`;
    };
    table.tBodies[0].replaceChildren(...kept.slice(page * 50 - 50, page * 50).map((row) => line(first, row)));
    [...table.tHead.rows[0].cells].slice(2, 10).forEach((head, n) => {
      head.removeAttribute("aria-sort");
      if (n === at) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rising = n === at ? !up : COLUMNS[n][3];
      head.querySelector("a").href = address({ sort: COLUMNS[n][0], dir: rising ? "asc" : "desc", page: 1 });
    });
    main.querySelector(".note[role=status] b").textContent = kept.length;
    if (!kept.length) hint("No endpoint passes all of it. Loosen a condition.");
    const near = [...Array(pages).keys()].map((n) => n + 1).filter((n) => n === 1 || n === pages || Math.abs(n - page) <= 2);
    const tab = (n) => make("li", {}, make("a", { href: address({ page: n }), ariaCurrent: n === page ? "page" : null }, `${n}`));
    main.querySelector(".pager ul")?.replaceChildren(...near.map(tab));
  }

  // A row like the one that the page came with.
  function line(like, row) {
    const made = like.cloneNode(true);
    const cells = [...made.cells];
    const key = `${row.id}@${row.tag}`;
    const [model, provider] = made.querySelectorAll("a");
    Object.assign(made.querySelector("input"), { value: key, checked: false });
    made.querySelector(".pick .vh").textContent = `Compare ${key}`;
    model.href = base + row.href;
    model.firstChild.textContent = row.id;
    Object.assign(provider, { textContent: row.tag, title: row.name });
    if (row.provider) provider.href = base + row.provider[2];
    const rated = row.tier !== "unrated";
    const badge = cells[1].firstElementChild;
    badge.className = `t ${rated ? row.tier : "U"}`;
    badge.firstElementChild.textContent = rated ? row.tier : "–";
    badge.lastElementChild.textContent = rated ? `tier ${row.tier}` : "unrated";
    row.values.forEach((value, n) => {
      cells[n + 2].textContent = written(row.values, n);
      cells[n + 2].className = value === null ? "n na" : "n";
    });
    cells[10].textContent = row.quant ?? "not told";
    cells[10].className = row.quant ? "" : "na";
    return made;
  }

  function compare() {
    const names = asked.getAll("e").map((name) => name.trim()).filter(Boolean).slice(0, 4);
    if (!names.length) return;
    main.querySelectorAll("input[name=e]").forEach((field, n) => (field.value = names[n] ?? ""));
    const endpoint = (name) => rows.find((row) => `${row.id}@${row.tag}` === name);
    const provider = (name) => data.providers.find(([slug, title]) => [slug, title.toLowerCase()].includes(name.toLowerCase()));
    const unknown = names.filter((name) => !endpoint(name) && !provider(name));
    if (unknown.length) return hint(`Nothing is called ${unknown.map((name) => `“${name}”`).join(", ")}.`);
    const endpoints = names.map(endpoint).filter(Boolean);
    if (names.length < 2) return hint("It takes two to compare: choose another one.");
    if (endpoints.length && endpoints.length < names.length) return hint("Endpoints or providers, not both.");
    const of = (list, title, value) => [title, ...list.map(value)];
    const [heads, lines] = endpoints.length
      ? [endpoints.map((e) => [e.name, e.href, `${e.tag} · ${e.id}`]),
        [of(endpoints, "Tier within its model", (e) => e.tier), ...COLUMNS.map((c, n) => of(endpoints, c[4], (e) => written(e.values, n))), of(endpoints, "Quantization", (e) => e.quant ?? "not told")]]
      : providersSide(names.map(provider), of);
    const head = make("tr", {}, make("td"), ...heads.map(([name, href, sub]) => make("th", { scope: "col" }, make("a", { href: base + href }, make("bdi", { className: "cut" }, name)), make("small", {}, sub))));
    const body = lines.map(([title, ...cells]) => make("tr", {}, make("th", { scope: "row" }, title), ...cells.map((text) => make("td", { className: "n" }, text))));
    const table = make("table", { className: "sticky sides" }, make("thead", {}, head), make("tbody", {}, ...body));
    main.querySelector("section").before(make("section", {}, make("h2", {}, "Side by side"), make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Side by side" }, table)));
  }

  function providersSide(list, of) {
    const lenses = data.lenses.map((lens, n) => of(list, `Tier, ${lens}`, (p) => p[6][n]));
    const counts = [["Models", 3], ["Endpoints", 4]].map(([title, at]) => of(list, title, (p) => `${p[at]}`));
    return [list.map(([slug, name, href]) => [name, href, slug]), [...lenses, ...counts, of(list, "Tokens a day", (p) => tokens(p[5]))]];
  }

  const pages = { search, explore, compare };
  pages[location.pathname.split("/").filter((part) => part in pages).pop()]?.();
})();
