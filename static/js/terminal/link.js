// The websocket to a Terminal: offsets and acks one way, typing the other. It reconnects for ever and goes on at
// the byte where it was. It knows nothing of what a screen looks like.
import { AHEAD_MAX, Typing } from "./typing.js";

const ACK_EVERY = 64 * 1024; // bytes written to the screen; the server sends at most 256 KiB beyond the last ack
const LOSSLESS_FOR = 30_000; // ms away after which a fresh screen is kinder than catching up
const BACKOFF_MIN = 250, BACKOFF_MAX = 10_000; // ms
const SIGNED_OUT = 4401, NOT_FOUND = 4404, FINISHED = 1000;

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
    if (!this.isUp || this.#typing.waiting + bytes.length > AHEAD_MAX) return false;
    for (const frame of this.#typing.add(bytes)) this.#socket.send(frame);
    return true;
  }

  say(message) {
    if (this.isUp) this.#socket.send(JSON.stringify(message));
  }

  #up() {
    this.#attempts = 0;
    this.#downSince = 0;
    for (const frame of this.#typing.again()) this.#socket.send(frame);
    this.#tell("up");
  }

  #down({ code }) {
    if (code === SIGNED_OUT) return location.reload();
    if (code === NOT_FOUND || code === FINISHED) return this.#tell("closed", { code });
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
        this.#typing.taken(message.position);
        return;
      case "refused":
        if (this.#typing.waiting) this.#forget();
        break;
    }
    this.#tell(message.type, message);
  }

  /** What was refused is gone, and said so; typing starts anew under another id. */
  #forget() {
    this.#typing = new Typing();
    this.#socket.onclose = null;
    this.#socket.close();
    this.connect();
  }

  #ack(epoch, offset, isDue) {
    if (!isDue || epoch !== this.#epoch) return;
    this.#acked = offset;
    this.say({ ack: offset });
  }
}
