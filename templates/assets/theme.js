// The colours: those of the system, or the reader's own choice, which the browser remembers. Runs before the page is
// drawn, so that it never flashes in other colours. Without it, pages follow the system.
"use strict";
{
  const NAMES = { auto: "Auto", light: "Light", dark: "Dark" };
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
  root.dataset.theme = chosen in NAMES ? chosen : "auto";

  const label = (button) => {
    const name = NAMES[root.dataset.theme];
    button.textContent = name;
    button.setAttribute("aria-label", `${name}: colours of the page. Click to change`);
  };
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    label(button);
    button.addEventListener("click", () => {
      const names = Object.keys(NAMES);
      root.dataset.theme = names[(names.indexOf(root.dataset.theme) + 1) % names.length];
      label(button);
      try {
        localStorage.setItem("theme", root.dataset.theme);
      } catch {
        // As above.
      }
    });
  });
}
