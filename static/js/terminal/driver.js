// Who drives: one writer at a time, who also owns the size. A page that may not type says so before anybody tries.
import { span } from "../ages.js";

export class Driver {
  #words = document.getElementById("driver-words");
  #take = document.getElementById("take");
  #handBack = document.getElementById("hand-back");
  #mayType;
  #holder = null;
  #since = null;
  #isYou = false;

  constructor({ mayType, link }) {
    this.#mayType = mayType;
    this.#take.onclick = () => link.say({ control: "take" });
    this.#handBack.onclick = () => link.say({ control: "release" });
  }

  get isYou() {
    return this.#isYou;
  }

  /** Whether what is typed here reaches the program: nobody holds it, or this person does. */
  get maySteer() {
    return this.#mayType && (this.#isYou || !this.#holder);
  }

  /** A `control` frame. */
  heard({ holder, you, since }) {
    this.#holder = holder;
    this.#isYou = Boolean(you);
    this.#since = since; // ms since the epoch
    this.tell();
  }

  /** `instead`: why nobody can drive at all. */
  tell(instead = "") {
    this.#take.hidden = !this.#mayType || this.#isYou || !this.#holder;
    this.#handBack.hidden = !this.#isYou;
    this.#words.textContent = instead || this.#said();
    this.#words.title = this.#since && this.#holder ? `since ${new Date(this.#since).toLocaleString()}` : "";
  }

  #said() {
    const ago = this.#since ? ` for ${span(Math.max(0, Date.now() - this.#since) / 1000)}` : "";
    if (this.#isYou) return "You drive";
    const who = this.#holder && `${this.#holder.name || this.#holder.kind} drives${ago}`;
    if (!this.#mayType) return who ? `Read only · ${who}` : "Read only: only its owner and admins type here";
    return who || "Nobody drives: type to take it";
  }
}
