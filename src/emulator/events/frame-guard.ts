// Watches an AMQP connection for frames that no client of ours sends, before anybody collects them in memory.

/** Clients send tokens and requests, never events. */
export const FRAME_BYTES_MAX = 64 * 1024;
const FRAME_BYTES_MIN = 8;
const SIZE_BYTES = 4;
/** "AMQP", which begins a protocol header of eight bytes in place of a frame. */
const PROTOCOL = 0x414d5150;

/** Feed it every chunk in order; false once the connection should be cut. */
export function createFrameGuard(): (chunk: Uint8Array) => boolean {
  /** Bytes of the current frame still to come. */
  let left = 0;
  let size = 0;
  let sizeBytes = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      size = size * 256 + (chunk[at] as number);
      sizeBytes += 1;
      at += 1;
      if (sizeBytes < SIZE_BYTES) continue;
      const frame = size === PROTOCOL ? FRAME_BYTES_MIN : size;
      if (frame > FRAME_BYTES_MAX || frame < FRAME_BYTES_MIN) return false;
      left = frame - SIZE_BYTES;
      size = 0;
      sizeBytes = 0;
    }
    return true;
  };
}
