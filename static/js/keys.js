// Keys of every page. Single letters count only where nobody is writing.
import { openDialog, openNewPod } from "./dialogs.js";

const IS_MAC = /mac|iphone|ipad/i.test(navigator.platform);

const LETTERS = {
  n: () => openNewPod(),
  "?": () => openDialog("help"),
  "/": () => focusSearch(),
  j: () => step(1),
  k: () => step(-1),
  a: () => press("a"),
  d: () => press("d"),
  r: () => press("r"),
  c: () => goTo("channels"),
  i: () => goTo("inbox"),
  m: () => goTo("map"),
};

export function listenToKeys() {
  nameKeys();
  document.addEventListener("htmx:after:swap", nameKeys);
  document.addEventListener("keydown", onKey);
}

/** ⌘K on a Mac, Ctrl-K elsewhere; in a terminal Ctrl-Shift-K, because Ctrl-K belongs to the program. */
export function isMod(event, letter, { inTerminal = false } = {}) {
  if (event.key.toLowerCase() !== letter) return false;
  if (IS_MAC) return event.metaKey && !event.ctrlKey;
  return event.ctrlKey && event.shiftKey === inTerminal && !event.metaKey;
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const inTerminal = Boolean(event.target.closest?.("#screen"));
  if (isMod(event, "k", { inTerminal })) {
    event.preventDefault();
    return openDialog("palette");
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return send(event);
  if (inTerminal) return;
  if (event.key === "Escape") return back(event);
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const act = LETTERS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** A dialog that has just been closed still holds the focus until the next picture is drawn. */
export function isWriting(element) {
  return Boolean(element.closest?.("input, textarea, select, [contenteditable]")) && !element.closest("dialog:not([open])");
}

function send(event) {
  const form = event.target.closest?.("form[data-pod-form]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
}

/** What is looked at answers to it; else the card that has the focus. */
function press(key) {
  const where = document.querySelector("#peek:not([hidden])") ?? document.activeElement.closest(".card");
  where?.querySelector(`[data-key="${key}"]`)?.click();
}

function back(event) {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    return menu.querySelector("summary").focus();
  }
  if (document.querySelector("dialog[open]")) return; // the dialog closes itself
  if (isWriting(event.target)) {
    if (event.target.matches("[data-search]") && event.target.value) {
      event.target.value = "";
      return event.target.dispatchEvent(new Event("input", { bubbles: true }));
    }
    return event.target.blur();
  }
  if (!document.dispatchEvent(new Event("mesh:back", { cancelable: true }))) return; // something was closed
  if (location.pathname !== "/" && document.querySelector(".nav a")) location.href = "/";
}

function goTo(page) {
  location.href = `/${page}/`;
}

function focusSearch() {
  const box = document.querySelector("[data-search]");
  if (!box) return openDialog("palette");
  box.focus();
  box.select();
}

function step(by) {
  const items = [...document.querySelectorAll("[data-item]")];
  if (!items.length) return;
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(Math.max(at + by, 0), items.length - 1);
  items[next].focus();
  (items[next].closest(".card") ?? items[next]).scrollIntoView({ block: "nearest" });
  items[next].dispatchEvent(new Event("mesh:stepped", { bubbles: true }));
}

function nameKeys() {
  for (const key of document.querySelectorAll("[data-mod]")) key.textContent = said(key);
}

function said(key) {
  const { mod, inTerminal } = key.dataset;
  if (mod === "Enter") return IS_MAC ? "⌘ ⏎" : "Ctrl ⏎";
  if (IS_MAC) return `⌘ ${mod}`;
  return inTerminal === undefined ? `Ctrl ${mod}` : `Ctrl ⇧ ${mod}`;
}
