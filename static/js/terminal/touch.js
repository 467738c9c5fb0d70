// For fingers: keys that a phone does not have, and a box to write in before sending.

const ESC = "\x1b";
const KEYS = { escape: ESC, tab: "\t", enter: "\r" };
const ARROWS = { up: "A", down: "B", right: "C", left: "D" };

export class Touch {
  #ctrl = document.querySelector("#touch [data-key=ctrl]");

  constructor({ term, type, paste, pasteFromClipboard }) {
    const root = document.getElementById("touch");
    if (!root) return;
    const row = root.querySelector(".keyrow");
    row.onpointerdown = (event) => event.preventDefault(); // the terminal keeps the focus, and the keyboard stays
    row.onclick = ({ target }) => {
      const { key } = target.closest("[data-key]")?.dataset ?? {};
      if (key === "ctrl") return this.#hold(!this.#isHeld);
      if (key === "paste") return pasteFromClipboard();
      if (key in KEYS) type(KEYS[key]);
      if (key in ARROWS) type(`${ESC}${term.modes.applicationCursorKeysMode ? "O" : "["}${ARROWS[key]}`);
    };
    const form = root.querySelector("form");
    form.onsubmit = async (event) => {
      event.preventDefault();
      const box = form.querySelector("textarea");
      if (!box.value || (await paste(box.value))) {
        type("\r");
        box.value = "";
      }
      box.focus();
    };
  }

  /** With Ctrl held, the next letter is a control character. */
  shift(text) {
    if (!this.#isHeld || text.length !== 1) return text;
    this.#hold(false);
    return String.fromCharCode(text.toUpperCase().charCodeAt(0) & 0x1f);
  }

  get #isHeld() {
    return this.#ctrl?.getAttribute("aria-pressed") === "true";
  }

  #hold(isHeld) {
    this.#ctrl.setAttribute("aria-pressed", String(isHeld));
  }
}
