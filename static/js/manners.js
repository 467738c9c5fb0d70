// Small habits of every page: theme, copying, notices, forms that send themselves.

const PASSES_AFTER = 5000, LASTS = 12000; // ms

// On a phone the bar is wider than the window.
export function showWhereOneIs() {
  const bar = document.querySelector(".nav"), here = bar?.querySelector("[aria-current]");
  if (here) bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2 - bar.offsetLeft;
}

export function letTheme() {
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const root = document.documentElement;
    const isDark = getComputedStyle(root).getPropertyValue("color-scheme") === "dark" ||
      (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
}

/** A one-time login link: the POST is the page's, so that a preview of the link does not use it up. */
export function letSubmit() {
  document.querySelector("form[data-submit-at-once]")?.requestSubmit();
}

export function letCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    if (await copyText(source.textContent)) return flash(button, "Copied");
    getSelection().selectAllChildren(source); // no clipboard without https: the person presses the keys
    flash(button, "Press Ctrl C");
  });
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function toast(text, { lasting = false } = {}) {
  if (!text) return;
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), lasting ? LASTS : PASSES_AFTER);
}

export function passToasts() {
  for (const box of document.querySelectorAll("#toasts [data-passing]")) setTimeout(() => box.remove(), box.querySelector(".undo") ? LASTS : PASSES_AFTER);
}

function flash(button, words) {
  const label = [...button.childNodes].findLast((node) => node.nodeType === Node.TEXT_NODE);
  if (!label || button.dataset.flashing) return;
  const before = label.textContent;
  button.dataset.flashing = "yes";
  label.textContent = words;
  setTimeout(() => {
    label.textContent = before;
    delete button.dataset.flashing;
  }, 1600);
}
