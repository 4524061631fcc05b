// Detects AMQP and MQTT frames larger than the hub accepts, before they are collected in memory.

/** From the first bytes of a frame: the number of further bytes, or that the header is incomplete or refused. */
type ReadHeader = (header: readonly number[]) => number | 'short' | 'refused';

/** Call with every chunk in order; false once the connection must be cut. */
export function createFrameGuard(readHeader: ReadHeader): (chunk: Uint8Array) => boolean {
  /** Remaining bytes of the current frame. */
  let left = 0;
  let header: number[] = [];
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      header.push(chunk[at] as number);
      at += 1;
      const read = readHeader(header);
      if (read === 'refused') return false;
      if (read === 'short') continue;
      left = read;
      header = [];
    }
    return true;
  };
}

/** AMQP clients send tokens and requests, never events. */
export const AMQP_FRAME_BYTES_MAX = 64 * 1024;
const AMQP_FRAME_BYTES_MIN = 8;
const AMQP_SIZE_BYTES = 4;
/** "AMQP" starts a protocol header of eight bytes instead of a frame. */
const AMQP_PROTOCOL = 0x414d5150;

/** Four bytes of size, which include themselves. */
export const readAmqpHeader: ReadHeader = (header) => {
  if (header.length < AMQP_SIZE_BYTES) return 'short';
  const size = header.reduce((sum, byte) => sum * 256 + byte, 0);
  const frame = size === AMQP_PROTOCOL ? AMQP_FRAME_BYTES_MIN : size;
  if (frame > AMQP_FRAME_BYTES_MAX || frame < AMQP_FRAME_BYTES_MIN) return 'refused';
  return frame - AMQP_SIZE_BYTES;
};

/** IoT Hub's limit on a device-to-cloud message, with room for the topic and the token. */
const MQTT_PACKET_BYTES_MAX = 256 * 1024 + 16 * 1024;
const MQTT_LENGTH_BYTES_MAX = 4;

/** A byte for the type, then the length: seven bits per byte, lowest first; the eighth bit means that it continues. */
export const readMqttHeader: ReadHeader = ([_type, ...lengthBytes]) => {
  const length = lengthBytes.reduce((sum, byte, index) => sum + (byte & 0x7f) * 128 ** index, 0);
  const isWhole = (lengthBytes.at(-1) ?? 0x80) < 0x80;
  if (length > MQTT_PACKET_BYTES_MAX || (!isWhole && lengthBytes.length === MQTT_LENGTH_BYTES_MAX)) return 'refused';
  return isWhole ? length : 'short';
};
