// xterm with its addons, in a box: it fits the box while this page owns the size, and is scaled into it otherwise.
import { FitAddon } from "../../xterm/addon-fit/lib/addon-fit.mjs";
import { SearchAddon } from "../../xterm/addon-search/lib/addon-search.mjs";
import { UnicodeGraphemesAddon } from "../../xterm/addon-unicode-graphemes/lib/addon-unicode-graphemes.mjs";
import { WebLinksAddon } from "../../xterm/addon-web-links/lib/addon-web-links.mjs";
import { WebglAddon } from "../../xterm/addon-webgl/lib/addon-webgl.mjs";
import { Terminal } from "../../xterm/xterm/lib/xterm.mjs";
import { swallowQuestions } from "./queries.js";

const SCROLLBACK = 10_000; // lines
const RESET = "\x1bc";
const FONT_MIN = 8, FONT_MAX = 28, FONT_SCALED_MIN = 5;
const THEME = {
  background: "#101214", foreground: "#d8dade", cursor: "#d8dade", cursorAccent: "#101214",
  selectionBackground: "#4a3d7a", selectionInactiveBackground: "#37324d",
  black: "#24272c", red: "#f2777a", green: "#7fc98c", yellow: "#e6b455", blue: "#7aa8f0", magenta: "#c59af0", cyan: "#6cc5cf", white: "#d8dade",
  brightBlack: "#7a808a", brightRed: "#ff9a96", brightGreen: "#9fe0a9", brightYellow: "#f5cf85", brightBlue: "#a5c6ff", brightMagenta: "#dabfff", brightCyan: "#98e2e9", brightWhite: "#ffffff",
};

export class View {
  #box;
  #holder;
  #fit = new FitAddon();
  #ownsSize = false;
  #size = null; // what the program draws for
  #onFit;

  constructor(box, { cols, rows, onFit }) {
    this.#box = box;
    this.#holder = box.querySelector(".screen");
    this.#onFit = onFit;
    this.#size = { cols, rows };
    this.term = new Terminal({
      allowProposedApi: true, // for the graphemes
      cols, rows,
      cursorBlink: false,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
      fontSize: this.#fontSize(),
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
      scrollback: SCROLLBACK,
      theme: THEME,
    });
    this.search = new SearchAddon({ highlightLimit: 1000 });
    swallowQuestions(this.term);
    this.term.open(this.#holder);
    for (const addon of [this.#fit, this.search, new UnicodeGraphemesAddon(), new WebLinksAddon(openLink)]) this.term.loadAddon(addon);
    this.#useGraphics();
    new ResizeObserver(() => this.lay({ asks: true })).observe(box);
  }

  /** Written bytes stay bytes: no character is cut. `done` once they are on the screen. */
  show(bytes, done) {
    this.term.write(bytes, done);
  }

  /** A whole new screen in one write, so that nothing flashes. */
  replace(data, { cols, rows }, done) {
    this.resized(cols, rows);
    this.term.write(RESET + data, done);
  }

  /** The program draws for this size from here on. xterm changes its size at once, but takes what is written a little
   *  later: what came before is still shown at the size it was drawn for. */
  resized(cols, rows) {
    this.term.write("", () => {
      this.#size = { cols, rows };
      if (this.term.cols !== cols || this.term.rows !== rows) this.term.resize(cols, rows);
      this.lay();
    });
  }

  /** Whether this page may say which size it is. Asked once when that begins, and whenever the box changes: two pages
   *  that answered each other's sizes would never rest. */
  set ownsSize(owns) {
    const begins = owns && !this.#ownsSize;
    this.#ownsSize = owns;
    this.lay({ asks: begins });
  }

  zoom(by) {
    const size = Math.min(FONT_MAX, Math.max(FONT_MIN, this.#fontSize() + by));
    localStorage.setItem("terminal-font", String(size));
    this.lay({ asks: true });
  }

  lay({ asks = false } = {}) {
    if (!this.#box.clientWidth || !this.#box.clientHeight) return;
    this.#holder.classList.remove("scaled");
    this.#holder.style.transform = "";
    this.term.options.fontSize = this.#fontSize();
    const fits = this.#fit.proposeDimensions();
    if (fits?.cols === this.#size.cols && fits?.rows === this.#size.rows) return;
    if (asks && this.#ownsSize && fits?.cols > 1) this.#onFit(fits);
    this.#scale();
  }

  /** Another one's size is never changed in silence: it is shown in smaller letters, or with a margin. */
  #scale() {
    this.#holder.classList.add("scaled");
    const letters = this.#fontSize() * this.#factor();
    if (letters < this.#fontSize()) this.term.options.fontSize = Math.max(FONT_SCALED_MIN, Math.floor(letters * 4) / 4);
    const rest = this.#factor(); // cells are whole pixels, so letters alone do not do it
    if (rest < 1) this.#holder.style.transform = `scale(${rest})`;
  }

  /** By how much what is drawn must shrink to fit the box; at most 1. */
  #factor() {
    const drawn = this.#holder.querySelector(".xterm-screen");
    const style = getComputedStyle(this.#box);
    const width = this.#box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = this.#box.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    return Math.min(1, width / drawn.offsetWidth, height / drawn.offsetHeight);
  }

  #fontSize() {
    return Number(localStorage.getItem("terminal-font")) || (matchMedia("(max-width: 720px)").matches ? 12 : 13);
  }

  /** WebGL where there is any. Elements otherwise, and on phones, which take the graphics away from a page behind. */
  #useGraphics() {
    if (matchMedia("(pointer: coarse)").matches) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.term.loadAddon(webgl);
    } catch (error) {
      console.info("no WebGL, drawing with elements", error);
    }
  }
}

function openLink(event, address) {
  if (/^https?:/.test(address)) window.open(address, "_blank", "noopener,noreferrer");
}
