// The Pod page: puts link, view, driver and the rest together.
import { span } from "../ages.js";
import { isMod } from "../keys.js";
import { toast } from "../manners.js";
import { copySelection, mindClipboard } from "./clipboard.js";
import { Driver } from "./driver.js";
import { makeFinder } from "./finder.js";
import { Link } from "./link.js";
import { Touch } from "./touch.js";
import { View } from "./view.js";

const RESIZE_REST = 150; // ms
const SAY_DOWN_AFTER = 1000; // ms: a short break heals unseen
const ENDED = new Set(["completed", "failed", "terminated"]);
const PREPARING = new Set(["pending", "starting"]);
const REASONS = {
  read_only: "this terminal is read only for you",
  ended: "the Pod has ended",
  starting: "it is still starting",
  control: "somebody else drives; take over first",
};

const stage = document.getElementById("stage");
const { dataset } = stage;
const mayType = dataset.mayType !== undefined;
const encoder = new TextEncoder();

function start() {
  const box = document.getElementById("view");
  const notice = new Notice();
  let state = dataset.state;
  let isAttached = false; // end to end, as far as the server knows
  let hasBeenUp = false;
  let isElsewhere = false; // the same person drives from another window, whose size counts
  let resizing = 0;

  const view = new View(box, { cols: Number(dataset.cols), rows: Number(dataset.rows), onFit });
  const { term } = view;
  const link = new Link({ url: dataset.socket, mode: mayType ? "write" : "read", screen: view, tell });
  const driver = new Driver({ mayType, link });
  const openFinder = makeFinder(view);
  const clipboard = mindClipboard({ term, box, mayPaste });
  const touch = new Touch({ term, type, ...clipboard });

  term.onData((text) => type(touch.shift(text)));
  term.onBinary((text) => send(Uint8Array.from(text, (char) => char.charCodeAt(0))));
  term.onTitleChange((title) => (document.getElementById("stage").title = title));
  term.onBell(ring);
  term.attachCustomKeyEventHandler(onKey);
  document.getElementById("larger").onclick = () => view.zoom(1);
  document.getElementById("smaller").onclick = () => view.zoom(-1);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unring();
    link.hurry();
    settle();
  });
  window.addEventListener("online", () => link.hurry());
  setInterval(() => notice.tick(), 1000);
  link.connect();
  if (!matchMedia("(pointer: coarse)").matches) term.focus();

  function tell(event, detail) {
    switch (event) {
      case "up": notice.up(); document.dispatchEvent(new Event("mesh:reachable")); break;
      case "down": notice.down(detail.since); break;
      case "closed": notice.closed(detail.reason); break;
      case "screen": case "size": sized(detail); break;
      case "gap": term.write(`\r\n\x1b[2m[${detail.to - detail.from} bytes are no longer kept]\x1b[0m\r\n`); break;
      case "control": heardControl(detail); break;
      case "state": heardState(detail); break;
      case "refused": refused(detail); break;
      case "dropped": toast("What was typed last did not arrive: the way to the program was interrupted.", { lasting: true }); break;
    }
  }

  function heardControl(detail) {
    isElsewhere = false;
    driver.heard(detail);
    settle();
    if (driver.isYou) view.lay({ asks: true });
  }

  function heardState(detail) {
    if (state !== detail.state) document.dispatchEvent(new CustomEvent("mesh:changed", { detail: "pod" }));
    state = detail.state;
    isAttached = detail.connected;
    notice.runner(detail.runner === "offline" && !ENDED.has(state) ? detail.since ?? Date.now() : null);
    settle();
  }

  /** Whose size counts, and whether the keyboard is taken, after anything that may change it. */
  function settle() {
    hasBeenUp ||= isAttached && link.isUp;
    const why = ENDED.has(state) ? "Ended: what it wrote stays here" : PREPARING.has(state) ? "Opens when its agent starts" : hasBeenUp ? "" : "Connecting…";
    const steers = driver.maySteer && isAttached && link.isUp && !why;
    term.options.disableStdin = !steers;
    term.options.cursorInactiveStyle = steers ? "outline" : "none";
    view.ownsSize = steers && !isElsewhere && !document.hidden;
    driver.tell(why || (isElsewhere && driver.isYou ? "You drive from another window: type to drive from here" : ""));
  }

  function sized({ cols, rows }) {
    view.resized(cols, rows);
    document.getElementById("size-words").textContent = `${cols} × ${rows}`;
    if (driver.maySteer) localStorage.setItem("terminal-size", `${cols}x${rows}`);
  }

  function onFit(size) {
    clearTimeout(resizing);
    resizing = setTimeout(() => link.say({ resize: [size.cols, size.rows] }), RESIZE_REST);
  }

  function type(text) {
    // Focus and mouse reports are no typing: they must not take the terminal from anybody.
    if (!driver.isYou && /^\x1b\[([IO]$|<|M)/.test(text)) return;
    send(encoder.encode(text));
  }

  function send(bytes) {
    if (term.options.disableStdin) return;
    if (isElsewhere) {
      isElsewhere = false;
      setTimeout(settle); // its size counts after the first key
    }
    if (!link.type(bytes)) toast("Not typed: the connection is interrupted.");
  }

  function refused({ what, reason }) {
    const words = REASONS[reason] ?? reason.replaceAll("_", " ");
    if (what === "resize") {
      isElsewhere = driver.maySteer;
      settle();
    }
    if (what === "input") toast(`Not typed: ${words}.`, { lasting: true });
    if (what === "control") toast(`Not possible: ${words}.`, { lasting: true });
  }

  function mayPaste() {
    if (!term.options.disableStdin) return true;
    if (PREPARING.has(state)) toast(`Not pasted: ${REASONS.starting}.`);
    else if (driver.maySteer) toast("Not pasted: the connection is interrupted.");
    else toast(mayType ? "Take over first: somebody else drives." : "This terminal is read only for you.");
    return false;
  }

  function onKey(event) {
    if (event.type !== "keydown") return true;
    if (isMod(event, "c", { inTerminal: true }) && term.hasSelection()) return done(event, () => copySelection(term));
    if (isMod(event, "f", { inTerminal: true })) return done(event, openFinder);
    if (isMod(event, "k", { inTerminal: true })) return false;
    if (isMod(event, "v", { inTerminal: true })) return false; // the browser pastes
    if (isMod(event, "e", { inTerminal: true })) return done(event, () => document.getElementById("fold").focus());
    return true;
  }
}

class Notice {
  #box = document.getElementById("link-notice");
  #downSince = 0;
  #runnerSince = null;
  #closed = "";

  closed(reason) { this.#closed = reason || "The server closed this terminal. Reload the page."; this.tick(); }
  up() { this.#downSince = 0; this.tick(); }
  down(since) { this.#downSince = since; this.tick(); }
  runner(since) { this.#runnerSince = since && new Date(since); this.tick(); }

  tick() {
    const away = this.#downSince ? Date.now() - this.#downSince : 0;
    const words = this.#closed || (away > SAY_DOWN_AFTER ? `Reconnecting… interrupted for ${span(away / 1000)}. What you type is not sent.`
      : this.#runnerSince && !this.#downSince ? `Its Runner is silent for ${span((Date.now() - this.#runnerSince) / 1000)}. The Pod goes on; its terminal comes back with the Runner.`
      : "");
    this.#box.hidden = !words;
    if (words && this.#box.textContent !== words) this.#box.textContent = words;
  }
}

function done(event, act) {
  event.preventDefault();
  act();
  return false;
}

function ring() {
  if (document.hidden || !document.hasFocus()) document.title = `● ${document.title.replace(/^● /, "")}`;
}

function unring() {
  document.title = document.title.replace(/^● /, "");
}

function mindFold() {
  const page = document.querySelector(".podpage");
  const button = document.getElementById("fold");
  const isNarrow = matchMedia("(max-width: 900px)").matches;
  fold(isNarrow || localStorage.getItem("side") === "folded");
  button.onclick = () => {
    const folded = !page.classList.contains("folded");
    fold(folded);
    if (!isNarrow) localStorage.setItem("side", folded ? "folded" : "open");
  };
  function fold(folded) {
    page.classList.toggle("folded", folded);
    button.setAttribute("aria-expanded", String(!folded));
  }
}

mindFold();
if (dataset.sees !== undefined) start();
