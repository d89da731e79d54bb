// Suggests names of models and providers in every field with `data-suggest`: a list that the keyboard can use (the
// pattern "combobox" of ARIA). Choosing a name in a search form sends it; elsewhere it fills the field.
{
  const index = new URL("../suggest.json", document.currentScript.src);
  const MOST = 8;
  const letters = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
  let names;

  // The names are requested once, when a field is first used.
  function load() {
    names ??= fetch(index)
      .then((answer) => (answer.ok ? answer.json() : []))
      .then((rows) => rows.map(([id, name]) => ({ id, name, keys: [id, id.split("/").pop(), name, name.split(": ").pop()].map(letters) })))
      .catch(() => []);
    return names;
  }

  // Names with every typed word: those that begin with the text first, otherwise the busiest first.
  function matching(all, typed) {
    const words = typed.split(/\s+/).map(letters).filter(Boolean);
    if (!words.length) return [];
    const whole = words.join("");
    const found = all.filter(({ keys }) => words.every((word) => keys[0].includes(word) || keys[2].includes(word)));
    const starts = ({ keys }) => keys.some((key) => key.startsWith(whole));
    return [...found.filter(starts), ...found.filter((row) => !starts(row))].slice(0, MOST);
  }

  function attach(input, number) {
    const list = document.createElement("ul");
    Object.assign(list, { id: `suggest-${number}`, className: "suggest", role: "listbox", hidden: true });
    list.setAttribute("aria-label", "Suggestions");
    input.removeAttribute("list");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-expanded", "false");
    input.after(list);
    let rows = [];
    let at = -1;

    function mark(next) {
      at = next;
      [...list.children].forEach((item, n) => item.setAttribute("aria-selected", n === at));
      if (at < 0) input.removeAttribute("aria-activedescendant");
      else input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at]?.scrollIntoView({ block: "nearest" });
    }

    function show(found) {
      rows = found;
      list.replaceChildren(
        ...rows.map((row, n) => {
          const item = document.createElement("li");
          Object.assign(item, { id: `${list.id}-${n}`, role: "option" });
          const [name, id] = ["bdi", "small"].map((tag) => document.createElement(tag));
          name.textContent = row.name;
          id.textContent = row.id;
          item.append(name, " ", id);
          // Before the field loses the focus, which would close the list.
          item.addEventListener("mousedown", (event) => event.preventDefault());
          item.addEventListener("click", () => choose(n));
          return item;
        }),
      );
      list.hidden = !rows.length;
      list.style.left = `${input.offsetLeft}px`;
      list.style.top = `${input.offsetTop + input.offsetHeight + 2}px`;
      list.style.minWidth = `${input.offsetWidth}px`;
      input.setAttribute("aria-expanded", String(!list.hidden));
      mark(-1);
    }

    function choose(n) {
      input.value = rows[n].id;
      show([]);
      if (input.form?.getAttribute("role") === "search") input.form.requestSubmit();
    }

    input.addEventListener("focus", load, { once: true });
    input.addEventListener("blur", () => show([]));
    input.addEventListener("input", async () => {
      const typed = input.value;
      const found = matching(await load(), typed);
      // The answer to an older text, or one that arrives after the field was left, is of no use.
      if (typed === input.value && document.activeElement === input) show(found);
    });
    input.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing) return;
      const last = rows.length - 1;
      const next = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1 }[event.key];
      if (next !== undefined) mark(next);
      else if (event.key === "Escape") show([]);
      else if (event.key === "Enter" && at >= 0) choose(at);
      else return;
      event.preventDefault();
    });
  }

  document.querySelectorAll("input[data-suggest]").forEach(attach);
}
