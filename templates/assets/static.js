// Search, explorer and comparison for a site without a service, over the index published with the pages.
"use strict";
(async () => {
  const { base, index } = document.currentScript.dataset;
  const asked = new URLSearchParams(location.search);
  const main = document.getElementById("main");
  const find = (selector) => main.querySelector(selector);
  const make = (tag, props, ...inside) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...inside);
    return node;
  };
  const link = (href, name) => make("a", { href: base + href }, make("bdi", {}, name));
  const hint = (text) => find("h1").after(make("p", { className: "hint", role: "alert" }, text));
  const text = (field) => (asked.get(field) ?? "").trim().slice(0, 200);
  const low = (field) => text(field).toLowerCase();
  // Whether a text contains every word of the query.
  const holds = (name) => low("q").split(/\s+/).every((word) => name.toLowerCase().includes(word));

  const answer = await fetch(index).catch(() => ({}));
  if (!answer.ok) return hint("Could not load the index of this copy. Its pages still work.");
  const data = await answer.json();
  const rows = data.endpoints.map(([m, p, name, tag, tier, values, texts, quant, parameters, prompts]) => {
    const [id, title, href, standard] = data.models[m];
    const takes = parameters.map((at) => data.parameters[at].toLowerCase());
    return { id, title, standard, href, host: data.providers[p] ?? [], key: `${id}@${tag}`, name, tag, tier, values, texts, quant, takes, prompts };
  });

  function search() {
    const q = text("q");
    if (!q) return;
    document.getElementById("q").value = q;
    const all = { Providers: data.providers, Models: data.models };
    const exact = Object.values(all).flat().find((one) => [one[0], one[1]].some((name) => name.toLowerCase() === low("q")));
    if (exact) return location.replace(base + exact[2]);
    let count = 0;
    for (const [title, list] of Object.entries(all)) {
      const found = list.filter(([id, name]) => holds(`${id} ${name}`));
      count += found.length;
      const items = found.map(([id, name, href]) => make("li", {}, link(href, name), " ", make("code", {}, id)));
      if (items.length) main.append(make("h2", {}, `${title} ${items.length}`), make("ul", { className: "found" }, ...items));
    }
    find(".lede").replaceChildren(count ? `${count} ${count === 1 ? "name matches" : "names match"} “` : "No match for “", make("bdi", {}, q), "”.");
  }

  // The filter as a function. Invalid values are ignored and reported.
  function filter() {
    // The forms that the service accepts.
    const limit = (field, units, scale = 1, highest = Infinity) => {
      const [, digits, unit] = /^(\d+(?:\.\d+)?) *([%kKmM]?)$/.exec(text(field)) ?? [];
      if (digits <= highest && units.includes(unit)) return digits * scale * ({ k: 1e3, m: 1e6 }[unit.toLowerCase()] ?? 1);
      if (text(field)) hint(`Ignored an invalid value: “${text(field)}”.`);
    };
    const most = [[1, limit("price", "")], [2, limit("list", "")]];
    const least = [[3, limit("hit", "%", 0.01, 100)], [6, limit("context", "kKmM")]];
    const wanted = low("param").split(/[, ]+/).filter(Boolean);
    const prompts = { "no-training": 1, "not-kept": 2 }[text("data")] ?? 0;
    return (row) =>
      (row.standard || asked.has("variants")) &&
      (!low("provider") || row.host[0] === low("provider")) &&
      (!low("quant") || row.quant?.toLowerCase() === low("quant")) &&
      row.prompts >= prompts &&
      // Absent is not zero: rows without the value are left out.
      most.every(([at, most]) => most === undefined || (row.values[at] !== null && row.values[at] <= most)) &&
      least.every(([at, least]) => least === undefined || (row.values[at] !== null && row.values[at] >= least)) &&
      wanted.every((name) => row.takes.includes(name)) &&
      holds(`${row.id} ${row.title} ${row.name} ${row.tag}`);
  }

  function explore() {
    const table = find("table");
    if (!table || !location.search) return;
    for (const [field, value] of asked) {
      const input = find(`.filter [name="${CSS.escape(field)}"]`);
      if (input) input[input.type === "checkbox" ? "checked" : "value"] = value;
    }
    const kept = rows.filter(filter());
    const at = data.columns.findIndex(([name]) => name === (text("sort") || "tokens"));
    const falls = { asc: false, desc: true }[text("dir")] ?? data.columns[at]?.[2];
    const value = (row) => row.values[at] ?? null;
    kept.sort((a, b) => (value(a) === null) - (value(b) === null) || (falls ? value(b) - value(a) : value(a) - value(b)));
    const pages = Math.ceil(kept.length / 50);
    const page = Math.min(pages, Number(text("page")) || 1);
    const address = (changes) => "?" + new URLSearchParams({ ...Object.fromEntries([...asked].filter(([, value]) => value)), ...changes });
    const like = table.tBodies[0].rows[0];
    table.tBodies[0].replaceChildren(...kept.slice(page * 50 - 50, page * 50).map((row) => line(like.cloneNode(true), row)));
    table.tHead.querySelectorAll("a").forEach((head, n) => {
      const fall = n === at ? !falls : data.columns[n][2];
      head.href = address({ sort: data.columns[n][0], dir: fall ? "desc" : "asc", page: 1 });
      head.parentNode.ariaSort = n === at ? (falls ? "descending" : "ascending") : null;
    });
    find("[role=status] b").textContent = kept.length;
    if (!kept.length) hint("No endpoint matches these filters. Relax one.");
    const near = [...Array(pages).keys()].map((n) => n + 1).filter((n) => n === 1 || n === pages || Math.abs(n - page) < 3);
    find(".pager ul")?.replaceChildren(...near.map((n) => make("li", {}, make("a", { href: address({ page: n }), ariaCurrent: n === page ? "page" : null }, n))));
  }

  // Fills a copy of a row from the page.
  function line(made, row) {
    const [model, host] = made.querySelectorAll("a");
    const [letter, spoken] = made.querySelectorAll(".t span");
    const rated = row.tier !== "unrated";
    Object.assign(made.querySelector("input"), { value: row.key, checked: false });
    made.querySelector(".vh").textContent = `Compare ${row.key}`;
    model.replaceWith(link(row.href, row.id));
    Object.assign(host, { textContent: row.tag, title: row.name, href: base + row.host[2] });
    letter.parentNode.className = `t ${rated ? row.tier : "U"}`;
    letter.textContent = rated ? row.tier : "–";
    spoken.textContent = rated ? `tier ${row.tier}` : row.tier;
    const texts = [...row.texts, row.quant ?? "not stated"];
    [...made.cells].slice(2).forEach((cell, n) => {
      cell.textContent = texts[n];
      cell.className = (n < 8 ? "n" : "") + ((n < 8 ? row.values[n] : row.quant) === null ? " na" : "");
    });
    return made;
  }

  function compare() {
    const names = asked.getAll("e").map((name) => name.trim()).filter(Boolean).slice(0, 6);
    if (!names.length) return;
    main.querySelectorAll(".filter [name=e]").forEach((field, n) => (field.value = names[n] ?? ""));
    const same = (name) => (one) => one.toLowerCase() === name.toLowerCase();
    const sides = names.map((name) => {
      const row = rows.find((row) => row.key === name);
      const host = data.providers.find((host) => host.slice(0, 2).some(same(name)));
      if (row) return [row.href, row.name, row.key, [row.tier, ...row.texts, row.quant ?? "not stated"]];
      if (host) return [host[2], host[1], host[0], host[3]];
    });
    const unknown = names.filter((_, n) => !sides[n]);
    if (unknown.length) return hint(`No match for “${unknown.join("”, “")}”.`);
    if (sides.length < 2) return hint("Name at least two to compare.");
    const titles = data.titles.find((titles) => sides.every((side) => side[3].length === titles.length));
    if (!titles) return hint("Compare endpoints or providers, not both.");
    const head = make("tr", {}, make("td"), ...sides.map(([href, name, key]) => make("th", { scope: "col" }, link(href, name), make("small", {}, key))));
    const lines = titles.map((title, n) => make("tr", {}, make("th", { scope: "row" }, title), ...sides.map((side) => make("td", { className: "n" }, side[3][n]))));
    find("section").before(make("h2", {}, "Side by side"), make("div", { className: "scroll", tabIndex: 0 }, make("table", { className: "sticky sides" }, make("thead", {}, head), make("tbody", {}, ...lines))));
  }

  // Hides the changes on the page that the filter excludes.
  function changes() {
    if (!location.search) return;
    for (const [field, value] of asked) {
      const input = find(`.filter [name="${CSS.escape(field)}"]`);
      if (input) input[input.type === "checkbox" ? "checked" : "value"] = value;
    }
    const like = new RegExp("^" + low("model").split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*") + "$");
    const least = /^\d+(\.\d+)?$/.test(text("min_percent")) ? Number(text("min_percent")) : 0;
    let count = 0;
    for (const row of main.querySelectorAll(".changes-day .events > li")) {
      const { group, day, model, provider, percent, costs } = row.dataset;
      row.hidden =
        (text("group") && group !== text("group")) || (text("model") && !like.test(model.toLowerCase())) ||
        (text("provider") && provider !== low("provider")) || (text("from") && day < text("from")) || (text("to") && day > text("to")) ||
        (text("min_percent") && (percent === "" || percent < least)) || (text("costs_more") && costs === undefined);
      count += !row.hidden;
    }
    for (const day of main.querySelectorAll(".changes-day")) day.hidden = !day.querySelector("li[data-day]:not([hidden])");
    find("[role=status] b").textContent = count;
    if (!count) hint("No change on this page matches these filters. Relax one.");
  }

  const pages = { search, explore, compare, changes };
  pages[location.pathname.split("/").findLast((part) => part in pages)]?.();
})();
