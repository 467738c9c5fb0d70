// Dialogs opened by name, and the question before what cannot be undone.

export function openDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) return openDialog(opener.dataset.open);
    if (event.target.closest("[data-close]")) return event.target.closest("dialog").close();
    if (event.target.matches("dialog")) event.target.close(); // the backdrop
    const menu = event.target.closest("details.menu");
    for (const open of document.querySelectorAll("details.menu[open]")) if (open !== menu) open.open = false;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-new-pod]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (document.querySelector("main #pod-form")) return; // this is the page of the form
    event.preventDefault();
    openNewPod(link.dataset.newPod);
  });
}

export function openDialog(id) {
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  for (const open of document.querySelectorAll("details.menu[open]")) open.open = false;
  const dialog = document.getElementById(id);
  dialog.showModal();
  dialog.dispatchEvent(new Event("mesh:opened"));
  return dialog;
}

/** `query`: fields set beforehand, such as "runner=3". A draft that was begun is kept. */
export async function openNewPod(query = "") {
  const dialog = openDialog("new-pod");
  const inside = document.getElementById("new-pod-form");
  const draft = inside.querySelector("textarea")?.value;
  if (draft) return inside.querySelector("textarea").focus();
  const url = inside.getAttribute("hx-get") + (query ? `?${query}` : "");
  await htmx.ajax("GET", url, { target: inside, select: "#pod-form", swap: "innerHTML ignoreTitle:true" });
  dialog.querySelector("textarea")?.focus();
}

/** Forms with data-ask are sent after a yes. */
export function askBefore() {
  document.addEventListener("submit", guard, { capture: true });
}

async function guard(event) {
  const form = event.target;
  if (!form.dataset.ask || form.dataset.answered) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { ask: title, askText: text, askYes: yes } = form.dataset;
  if (!(await question({ title, text, yes, isDanger: true }))) return;
  const still = form.isConnected ? form : document.querySelector(`form[action="${CSS.escape(form.getAttribute("action"))}"]`);
  if (!still) return; // it went while the question stood
  still.dataset.answered = "yes";
  still.requestSubmit();
  delete still.dataset.answered;
}

export function question({ title, text, yes, isDanger = false }) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-title").textContent = title;
  document.getElementById("ask-text").textContent = text;
  const button = document.getElementById("ask-yes");
  button.textContent = yes;
  button.classList.toggle("danger", isDanger);
  button.classList.toggle("primary", !isDanger);
  for (const open of document.querySelectorAll("details.menu[open]")) open.open = false;
  dialog.returnValue = "";
  dialog.showModal();
  button.focus();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}
