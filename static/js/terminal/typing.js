// What a person types, exactly once: each frame starts with its position in this page's own input. What the PTY has
// not confirmed is sent again, under the same position, after a reconnect; the Runner drops what it has already.

const FRAME_MAX = 16 * 1024; // bytes of input in one frame
const WINDOW = 256 * 1024; // bytes on their way; the server holds 1 MiB
const AHEAD_MAX = 8 * 1024 * 1024; // bytes that may wait here: a very large paste

export class Typing {
  #frames = []; // [{position, bytes}], not confirmed
  #end = 0;
  #sent = 0;

  /** A new one for each page, and whenever something typed was given up: it must not arrive later by surprise. */
  id = crypto.getRandomValues(new BigUint64Array(1))[0].toString(36);

  get waiting() {
    return this.#frames.length > 0;
  }

  /** False if it is too much; then nothing of it is kept. */
  add(bytes) {
    if (this.#end - (this.#frames[0]?.position ?? this.#end) + bytes.length > AHEAD_MAX) return false;
    for (let at = 0; at < bytes.length; at += FRAME_MAX) {
      const part = bytes.subarray(at, at + FRAME_MAX);
      this.#frames.push({ position: this.#end, bytes: part });
      this.#end += part.length;
    }
    return true;
  }

  /** Frames that may be sent now; they then count as sent. */
  *due() {
    const limit = (this.#frames[0]?.position ?? 0) + WINDOW;
    for (const { position, bytes } of this.#frames) {
      if (position + bytes.length > limit) return;
      if (position < this.#sent) continue;
      this.#sent = position + bytes.length;
      yield framed(position, bytes);
    }
  }

  /** The PTY has every byte below `position`. */
  confirm(position) {
    while (this.waiting && this.#frames[0].position + this.#frames[0].bytes.length <= position) this.#frames.shift();
  }

  /** All that is not confirmed is due again. */
  rewind() {
    this.#sent = 0;
  }
}

function framed(position, bytes) {
  const frame = new Uint8Array(8 + bytes.length);
  new DataView(frame.buffer).setBigUint64(0, BigInt(position));
  frame.set(bytes, 8);
  return frame;
}
