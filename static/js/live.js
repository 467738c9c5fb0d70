// News by websocket: "pod k9 changed". The page then fetches what shows it, in place.
// Elements say what they show: data-live="runner pod:pod-7f3k2q"; each has hx-trigger="refresh".
// data-always: also while nobody looks at the page.
import { span } from "./ages.js";

const GATHER = 120; // ms in which news of one burst are gathered into one look
const REST = 500; // ms between two looks of one element
const SAY_AFTER = 1500; // ms of silence before the banner: a short break heals unseen
const BACKOFF_MIN = 500, BACKOFF_MAX = 5_000;
const SIGNED_OUT = 4401;
const LISTENING = "listening"; // the first news of a connection: what happened before was not told
const ANYWAY = 20_000; // ms; silence of a Runner makes no news, and news may be lost

const stale = new Set();
const lookedAt = new WeakMap();
let gathering = 0;
let brokenSince = 0;
let attempts = 0;
let waiting = null; // {timer, again}

export function followNews(path) {
  connect(new URL(path, location.href.replace(/^http/, "ws")));
  document.addEventListener("mesh:changed", (event) => changed(event.detail?.value ?? event.detail, ""));
  document.addEventListener("visibilitychange", () => schedule(0));
  document.addEventListener("mesh:reachable", hurry); // a terminal found the server again
  window.addEventListener("online", hurry);
  setInterval(tellBroken, 500);
  setInterval(allChanged, ANYWAY);
}

function connect(url) {
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    const { kind, key } = JSON.parse(data);
    if (kind !== LISTENING) return changed(kind, key);
    attempts = brokenSince = 0;
    tellBroken();
    allChanged();
  };
  socket.onclose = ({ code }) => {
    if (code === SIGNED_OUT) return location.reload();
    brokenSince ||= Date.now();
    const longest = Math.min(BACKOFF_MAX, BACKOFF_MIN * 2 ** attempts++);
    const again = () => {
      waiting = null;
      connect(url);
    };
    waiting = { again, timer: setTimeout(again, longest * (0.5 + Math.random() / 2)) };
  };
}

function hurry() {
  if (!waiting) return;
  clearTimeout(waiting.timer);
  waiting.again();
}

function changed(kind, key) {
  for (const element of document.querySelectorAll("[data-live]")) {
    const shows = element.dataset.live.split(" ");
    if (shows.includes(kind) || (key && shows.includes(`${kind}:${key}`)) || (!key && shows.some((s) => s.startsWith(`${kind}:`)))) {
      stale.add(element);
    }
  }
  schedule(GATHER);
}

function allChanged() {
  for (const element of document.querySelectorAll("[data-live]")) stale.add(element);
  schedule(0);
}

function schedule(delay) {
  if (gathering || !stale.size) return;
  gathering = setTimeout(look, delay);
}

function look() {
  gathering = 0;
  let wait = 0;
  for (const element of stale) {
    if (document.hidden && !("always" in element.dataset)) continue; // once somebody looks again
    const rest = REST - (performance.now() - (lookedAt.get(element) ?? -REST));
    const isInUse = element.querySelector("details.menu[open], .dragging"); // nothing moves under the hand
    if (rest > 0 || isInUse) {
      wait = Math.max(wait, rest, isInUse ? REST : 0);
      continue;
    }
    stale.delete(element);
    if (!element.isConnected) continue;
    lookedAt.set(element, performance.now());
    element.dispatchEvent(new Event("refresh"));
  }
  if (wait) schedule(wait);
}

function tellBroken() {
  const banner = document.getElementById("connection");
  const silent = brokenSince ? Date.now() - brokenSince : 0;
  banner.hidden = silent < SAY_AFTER;
  if (!banner.hidden) banner.textContent = `Reconnecting… no news for ${span(silent / 1000)}`;
}
