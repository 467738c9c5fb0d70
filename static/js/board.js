// The board: J and K go through the Pods, those that wait for a person first; one is looked at beside the list.
import { toast } from "./manners.js";
import "./prompts.js";

const LOOK_EVERY = 3000; // ms; of what a terminal shows there is no news
const DONE = 204;

const peek = document.getElementById("peek");
let shown = null; // the link of the Pod that is looked at

document.addEventListener("mesh:stepped", ({ target }) => show(target));
document.addEventListener("focusin", ({ target }) => {
  if (!peek.hidden && target.matches("[data-peek]")) show(target);
});
document.addEventListener("click", ({ target }) => {
  const opener = target.closest("[data-open-peek]");
  if (opener) show(document.getElementById(opener.dataset.openPeek));
  if (target.closest("[data-close-peek]")) close();
  if (target.closest("#peek [data-key=j]")) goOn();
});
document.addEventListener("mesh:back", (event) => {
  if (peek.hidden) return;
  event.preventDefault();
  close();
});
document.addEventListener("htmx:after:request", ({ target, detail }) => {
  const form = target.closest?.("form[data-answer]");
  if (form && peek.contains(form) && detail.ctx.response?.status === DONE) goOn();
});
document.addEventListener("htmx:after:swap", mark);
setInterval(() => {
  if (document.hidden) return;
  peek.querySelector("[data-look]")?.dispatchEvent(new Event("refresh"));
}, LOOK_EVERY);

function show(link) {
  const isOther = peek.hidden || shown?.id !== link.id;
  shown = link;
  peek.hidden = false;
  mark();
  if (isOther) htmx.ajax("GET", link.dataset.peek, { target: peek, swap: "innerHTML" });
}

function close() {
  peek.hidden = true;
  peek.replaceChildren();
  mark();
  document.getElementById(shown?.id)?.focus();
  shown = null;
}

/** To the next one that waits; the one that was just answered still stands where it was. */
function goOn() {
  const waiting = [...document.querySelectorAll(".card.calls [data-item]")];
  const at = waiting.findIndex(({ id }) => id === shown?.id);
  const next = waiting[at + 1] ?? waiting.find(({ id }) => id !== shown?.id);
  if (!next) return toast("Nothing else waits for you.");
  next.focus({ preventScroll: true });
  next.closest(".card").scrollIntoView({ block: "nearest" });
  show(next);
}

function mark() {
  for (const card of document.querySelectorAll(".card.peeked")) card.classList.remove("peeked");
  if (!peek.hidden && shown) document.getElementById(shown.id)?.closest(".card")?.classList.add("peeked");
}
