// What a person types, exactly once: each frame starts with its position in this page's own input; what the PTY
// has not taken is sent again after a reconnect.

const FRAME_MAX = 16 * 1024; // bytes of input in one frame
export const AHEAD_MAX = 4 * 1024 * 1024; // bytes that may wait for the PTY: a large paste

export class Typing {
  #frames = []; // [{position, bytes}], not taken yet
  #end = 0;

  /** A new one for each page, and after a refusal: what was refused is not sent later in silence. */
  id = crypto.getRandomValues(new BigUint64Array(1))[0].toString(36);

  get waiting() {
    return this.#frames.length ? this.#end - this.#frames[0].position : 0;
  }

  /** The frames to send for these bytes. */
  add(bytes) {
    const frames = [];
    for (let at = 0; at < bytes.length; at += FRAME_MAX) {
      const part = bytes.subarray(at, at + FRAME_MAX);
      this.#frames.push({ position: this.#end, bytes: part });
      frames.push(framed(this.#end, part));
      this.#end += part.length;
    }
    return frames;
  }

  /** The PTY has every byte below `position`. */
  taken(position) {
    while (this.#frames.length && this.#frames[0].position + this.#frames[0].bytes.length <= position) this.#frames.shift();
  }

  /** Frames to send once more. */
  again() {
    return this.#frames.map(({ position, bytes }) => framed(position, bytes));
  }
}

function framed(position, bytes) {
  const frame = new Uint8Array(8 + bytes.length);
  new DataView(frame.buffer).setBigUint64(0, BigInt(position));
  frame.set(bytes, 8);
  return frame;
}
