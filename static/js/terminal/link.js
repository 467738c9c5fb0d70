// The websocket to a Terminal: offsets and acks one way, typing the other. It reconnects for ever and goes on at
// the byte where it was. It knows nothing of what a screen looks like.
import { Typing } from "./typing.js";

const ACK_EVERY = 64 * 1024; // bytes written to the screen; the server sends at most 256 KiB beyond the last ack
const LOSSLESS_FOR = 30_000; // ms away after which a fresh screen is kinder than catching up
const TYPED_WAITS = 15_000; // ms; what was typed longer ago is given up, not delivered by surprise
const AGAIN_AFTER = 300; // ms until what a busy Runner refused is sent again
const PASSING = new Set(["busy", "gap", "reconnecting"]); // refusals after which the same bytes are sent again
const BACKOFF_MIN = 250, BACKOFF_MAX = 10_000; // ms
const SIGNED_OUT = 4401, FINAL = 4400; // codes from FINAL on are for good

export class Link {
  #url;
  #screen; // {show(bytes, done), replace(text, size, done)}
  #tell; // (event, detail) => void
  #socket = null;
  #typing = new Typing();
  #offset = null; // of the next byte to show; null: none seen
  #acked = 0;
  #attempts = 0;
  #downSince = 0;
  #epoch = 0; // callbacks of an older connection must not ack on a newer one
  #timer = 0;
  #again = 0;
  #lastWords = ""; // of the server, before it closed
  #apartSince = 0; // since when nothing can be typed, though the socket is open

  constructor({ url, mode, screen, tell }) {
    this.#url = new URL(url, location.href.replace(/^http/, "ws"));
    this.#url.searchParams.set("mode", mode);
    this.#screen = screen;
    this.#tell = tell;
  }

  get isUp() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    const { searchParams } = this.#url;
    const isBrief = !this.#downSince || Date.now() - this.#downSince < LOSSLESS_FOR;
    if (this.#offset !== null && isBrief) searchParams.set("offset", this.#offset);
    else searchParams.delete("offset");
    if (this.#downSince && Date.now() - this.#downSince > TYPED_WAITS) this.#giveUp();
    searchParams.set("client", this.#typing.id);
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#epoch += 1;
    socket.onopen = () => this.#up();
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#said(JSON.parse(data)) : this.#bytes(data));
    socket.onclose = (event) => this.#down(event);
  }

  /** At once instead of at the next attempt, for a person who came back to the page. */
  hurry() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.connect();
  }

  /** False if it cannot be sent now; then nothing of it is kept. */
  type(bytes) {
    if (!this.isUp || !this.#typing.add(bytes)) return false;
    this.#send();
    return true;
  }

  say(message) {
    if (this.isUp) this.#socket.send(JSON.stringify(message));
  }

  #up() {
    this.#attempts = 0;
    this.#downSince = 0;
    this.#sendAgain();
    this.#tell("up");
  }

  #send() {
    for (const frame of this.#typing.due()) this.#socket.send(frame);
  }

  #sendAgain() {
    this.#again = 0;
    this.#typing.rewind();
    if (this.isUp) this.#send();
  }

  #down({ code, reason }) {
    if (code === SIGNED_OUT) return location.reload();
    if (code >= FINAL) return this.#tell("closed", { reason: this.#lastWords || reason });
    this.#downSince ||= Date.now();
    this.#tell("down", { since: this.#downSince });
    const longest = Math.min(BACKOFF_MAX, BACKOFF_MIN * 2 ** this.#attempts++);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.connect();
    }, Math.random() * longest);
  }

  #bytes(buffer) {
    const start = Number(new DataView(buffer).getBigUint64(0));
    const known = Math.max(0, (this.#offset ?? start) - start); // repeated by a resend: seen already
    const bytes = new Uint8Array(buffer, 8).subarray(known);
    const end = start + known + bytes.length;
    if (!bytes.length) return;
    this.#offset = end;
    const epoch = this.#epoch;
    this.#screen.show(bytes, () => this.#ack(epoch, end, end - this.#acked >= ACK_EVERY));
  }

  #said(message) {
    switch (message.type) {
      case "screen": {
        this.#offset = message.offset;
        const epoch = this.#epoch;
        this.#screen.replace(message.data, message, () => this.#ack(epoch, message.offset, true));
        break;
      }
      case "gap":
        this.#offset = message.to;
        break;
      case "taken":
        this.#typing.confirm(message.position);
        return this.#send();
      case "state":
        this.#attached(message.connected);
        break;
      case "refused":
        if (message.what === "input" && this.#refused(message.reason)) return;
        break;
      case "error":
        this.#lastWords = message.message;
        return;
    }
    this.#tell(message.type, message);
  }

  /** Whether it passes: then the same bytes are sent again, and nobody need know. */
  #refused(reason) {
    if (!PASSING.has(reason)) return this.#startAnew();
    if (reason !== "reconnecting") this.#again ||= setTimeout(() => this.#sendAgain(), AGAIN_AFTER);
    return true;
  }

  #attached(isAttached) {
    if (!isAttached) return (this.#apartSince ||= Date.now());
    if (this.#apartSince && Date.now() - this.#apartSince > TYPED_WAITS && this.#typing.waiting) this.#startAnew();
    else if (this.#apartSince) this.#sendAgain();
    this.#apartSince = 0;
  }

  /** What waits is given up, and typing goes on under another id: frames on their way count no more. */
  #startAnew() {
    this.#giveUp();
    this.#socket.onclose = null;
    this.#socket.close();
    this.connect();
    return false;
  }

  #giveUp() {
    if (this.#typing.waiting) this.#tell("dropped");
    this.#typing = new Typing();
  }

  #ack(epoch, offset, isDue) {
    if (!isDue || epoch !== this.#epoch) return;
    this.#acked = offset;
    this.say({ ack: offset });
  }
}
