// Calls a person who looks elsewhere: one notification of the desktop for each thing that waits, in one tab or many.
import { toast } from "./manners.js";

const WANTED = "notify", TOLD = "notified", REMEMBERED = 200;

export function callByNotifications() {
  const button = document.querySelector("[data-notify]");
  if (!button || !("Notification" in window)) return; // without https there are none
  button.hidden = false;
  button.addEventListener("click", toggle);
  document.addEventListener("htmx:after:swap", tell);
  show();

  async function toggle() {
    if (isWanted()) localStorage.removeItem(WANTED);
    else if ((await Notification.requestPermission()) === "granted") {
      localStorage.setItem(WANTED, "yes");
      localStorage.removeItem(TOLD);
      if (document.querySelector("#calls[data-known]")) tell();
    } else toast("This browser does not allow notifications of this page: allow them beside its address.", { lasting: true });
    show();
  }

  function show() {
    button.setAttribute("aria-pressed", String(isWanted()));
    button.querySelector(".muted").textContent = isWanted() ? "on" : "off";
  }
}

function tell() {
  if (!isWanted()) return;
  const isFirst = !localStorage.getItem(TOLD); // what was there before is seen
  const told = new Set(remembered());
  const fresh = waiting().filter((each) => !told.has(each.dataset.id));
  if (!fresh.length && !isFirst) return;
  remember(fresh.map((each) => each.dataset.id));
  if (isFirst || (document.hasFocus() && !document.hidden)) return; // the page shows it
  fresh.forEach(call);
}

function call(item) {
  const { id, title, url } = item.dataset;
  const notification = new Notification(title, { body: item.textContent, tag: id }); // of one tag there is one
  notification.onclick = () => {
    window.focus();
    location.href = url;
  };
}

const isWanted = () => localStorage.getItem(WANTED) === "yes" && Notification.permission === "granted";
const waiting = () => [...document.querySelectorAll("#calls [data-id]")];
const remembered = () => JSON.parse(localStorage.getItem(TOLD) ?? "[]");
const remember = (ids) => localStorage.setItem(TOLD, JSON.stringify([...remembered(), ...ids].slice(-REMEMBERED)));
