// Optional: sorts tables by column and keeps the order in the address, filters rows, links section headings, adds copy
// buttons, and waits for the first data.
"use strict";

function keyOf(row, column) {
  const cell = row.cells[column];
  if (!cell) return null;
  if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
  if (cell.classList.contains("na")) return null;
  return cell.textContent.trim().toLowerCase();
}

function compare(a, b, sign) {
  // Absent values stay at the end in either sort order.
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b));
}

function sortBy(table, column, header, descending) {
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = Array.from(table.tBodies[0].rows, (row) => [keyOf(row, column), row]);
  rows.sort((a, b) => compare(a[0], b[0], descending ? -1 : 1));
  table.tBodies[0].append(...rows.map((pair) => pair[1]));
}

// The name of a column or table in the address.
const named = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
// The columns that can be sorted, by "table.column".
const columns = new Map();

function addColumn(table, tableName, header, column) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sort";
  const name = `${tableName}.${named(header.firstChild?.textContent ?? "") || column}`;
  button.append(...header.childNodes);
  header.append(button);
  columns.set(name, (order) => sortBy(table, column, header, order === "desc"));
  button.addEventListener("click", () => {
    const before = header.getAttribute("aria-sort");
    const descending = before === null ? header.classList.contains("n") : before === "ascending";
    sortBy(table, column, header, descending);
    history.replaceState(null, "", `#sort=${name}.${descending ? "desc" : "asc"}`);
  });
}

document.querySelectorAll("table.sortable").forEach((table, number) => {
  const heading = table.closest("section")?.querySelector("h2[id]");
  const isFirst = heading?.closest("section").querySelector("table.sortable") === table;
  const tableName = isFirst ? named(heading.id) : `table-${number + 1}`;
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    if (!header.classList.contains("barhead")) addColumn(table, tableName, header, column);
  });
});

// Sorts as the address says, and shows the table.
function sortAsAddressed() {
  const [, name, order] = /^#sort=([a-z0-9-]+\.[a-z0-9-]+)\.(asc|desc)$/.exec(location.hash) ?? [];
  const sort = columns.get(name);
  if (!sort) return;
  sort(order);
  const heading = document.getElementById(name.split(".")[0]);
  const fold = heading?.closest("details");
  if (fold) fold.open = true;
  heading?.scrollIntoView();
}
sortAsAddressed();
addEventListener("hashchange", sortAsAddressed);

// Shows only the rows that contain every word of a field, and counts them.
for (const field of document.querySelectorAll("input[data-filter]")) {
  const tables = document.querySelectorAll(`table.${field.dataset.filter}`);
  const count = field.form.querySelector("[data-count]");
  const filter = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const table of tables) {
      const before = found;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
        if (!row.hidden) found += 1;
      }
      table.classList.toggle("filtered", wanted.length > 0);
      const fold = table.closest("details");
      if (fold) fold.open = wanted.length > 0 && found > before;
    }
    if (count) count.textContent = wanted.length > 0 ? `${found} found` : "";
  };
  field.addEventListener("input", filter);
  if (field.value) filter();
}

// Section headings link to themselves.
for (const heading of document.querySelectorAll("main h2[id]:not(.vh), main h3[id]:not(.vh)")) {
  if (heading.closest("summary") || heading.querySelector("a")) continue;
  const link = document.createElement("a");
  link.className = "self";
  link.href = `#${encodeURIComponent(heading.id)}`;
  link.append(...heading.childNodes);
  heading.append(link);
}

for (const block of document.querySelectorAll("pre[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent.trim());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy by hand";
    }
  });
  block.after(button);
}

const until = document.querySelector("[data-until]");

// Reloads the page once there is data, and not before, so readers are not interrupted for nothing.
async function wait() {
  const answer = await fetch(until.dataset.until).catch(() => null);
  if (answer && answer.ok) location.reload();
  else setTimeout(wait, 5000);
}
if (until) setTimeout(wait, 5000);
