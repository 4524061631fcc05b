// Which partition a device's events go to: the resolver that Microsoft's own tools use, so that they find it here too.
// Bob Jenkins' lookup3 (hashlittle2, public domain) over the upper-cased id.

const LOGICAL_PARTITIONS = 32_767;
const GOLDEN = 0xdeadbeef;
const BLOCK_BYTES = 12;

/** 0 to `count` - 1. */
export function partitionOf(deviceId: string, count: number): number {
  const logical = logicalPartition(deviceId);
  const width = Math.floor(LOGICAL_PARTITIONS / count);
  const wider = LOGICAL_PARTITIONS - width * count;
  const boundary = wider * (width + 1);
  if (logical < boundary) return Math.floor(logical / (width + 1));
  return wider + Math.floor((logical - boundary) / width);
}

/** 0 to 32766. */
export function logicalPartition(deviceId: string): number {
  const { c, b } = hashLittle2(Buffer.from(deviceId.toUpperCase(), 'latin1'));
  const short = ((c ^ b) << 16) >> 16;
  return Math.abs(short % LOGICAL_PARTITIONS);
}

function hashLittle2(bytes: Uint8Array): { c: number; b: number } {
  let a = (GOLDEN + bytes.length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  for (; bytes.length - at > BLOCK_BYTES; at += BLOCK_BYTES) {
    a = (a + word(bytes, at)) | 0;
    b = (b + word(bytes, at + 4)) | 0;
    c = (c + word(bytes, at + 8)) | 0;
    a = (a - c) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (bytes.length === at) return { c, b };
  a = (a + word(bytes, at)) | 0;
  b = (b + word(bytes, at + 4)) | 0;
  c = (c + word(bytes, at + 8)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return { c, b };
}

/** Little-endian, zeros beyond the end. */
function word(bytes: Uint8Array, at: number): number {
  const byte = (offset: number): number => bytes[at + offset] ?? 0;
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
