// Watches an MQTT connection for packets larger than IoT Hub takes, before anybody collects them in memory.

/** IoT Hub's limit on a device-to-cloud message, with room for the topic and the token. */
const PACKET_BYTES_MAX = 256 * 1024 + 16 * 1024;
const LENGTH_BYTES_MAX = 4;

/** Feed it every chunk in order; false once the connection should be cut. */
export function createPacketGuard(): (chunk: Uint8Array) => boolean {
  /** Bytes of the current packet still to come. */
  let left = 0;
  /** Bytes of the length read so far; undefined before the type. */
  let lengthBytes: number | undefined;
  let length = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      const byte = chunk[at] as number;
      at += 1;
      if (lengthBytes === undefined) {
        lengthBytes = 0;
        length = 0;
        continue;
      }
      length += (byte & 0x7f) * 128 ** lengthBytes;
      lengthBytes += 1;
      const isLast = byte < 0x80;
      if (length > PACKET_BYTES_MAX || (!isLast && lengthBytes === LENGTH_BYTES_MAX)) return false;
      if (!isLast) continue;
      left = length;
      lengthBytes = undefined;
    }
    return true;
  };
}
