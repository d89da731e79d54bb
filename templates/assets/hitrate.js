// Optional: sorts tables by column, adds copy buttons, and waits for the first data.
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

function sortBy(table, column, header) {
  const body = table.tBodies[0];
  const wasDescending = header.getAttribute("aria-sort") === "descending";
  const isNumber = header.classList.contains("n");
  const before = header.getAttribute("aria-sort");
  const descending = before === null ? isNumber : !wasDescending;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = Array.from(body.rows, (row) => [keyOf(row, column), row]);
  rows.sort((a, b) => compare(a[0], b[0], descending ? -1 : 1));
  body.append(...rows.map((pair) => pair[1]));
}

for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    if (header.classList.contains("barhead")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sortBy(table, column, header));
  });
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
