import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFrameGuard, readAmqpHeader, readMqttHeader } from '../../src/emulator/frame-guard.ts';

const AMQP = Buffer.from('AMQP\u0000\u0001\u0000\u0000');

function amqp(size: number, body = size - 4): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(size);
  return Buffer.concat([header, Buffer.alloc(body, 0xff)]);
}

function mqtt(lengthBytes: readonly number[], body = 0): Buffer {
  return Buffer.concat([Buffer.from([0x30, ...lengthBytes]), Buffer.alloc(body, 0xff)]);
}

const rows: [protocol: 'AMQP' | 'MQTT', sentence: string, bytes: Buffer, want: boolean][] = [
  [
    'AMQP',
    'takes the protocol header, and frames of the smallest and the largest size',
    Buffer.concat([AMQP, amqp(8), amqp(65_536), amqp(8)]),
    true,
  ],
  ['AMQP', 'refuses a frame one byte too large by its header alone', amqp(65_537, 0), false],
  ['AMQP', 'refuses a frame that is smaller than its header', amqp(7), false],
  [
    'AMQP',
    'refuses what comes after a whole frame as well',
    Buffer.concat([AMQP, amqp(9), amqp(0xffffffff, 0)]),
    false,
  ],
  ['AMQP', 'waits for the rest of a header', amqp(65_537, 0).subarray(0, 3), true],
  [
    'MQTT',
    'takes packets without a body, with one, and of the largest size',
    Buffer.concat([mqtt([0]), mqtt([0x81, 1], 129), mqtt([0x80, 0x80, 0x11], 278_528), mqtt([0])]),
    true,
  ],
  ['MQTT', 'refuses a packet one byte too large by its header alone', mqtt([0x81, 0x80, 0x11]), false],
  ['MQTT', 'refuses a length that does not end after four bytes', mqtt([0x80, 0x80, 0x80, 0x80]), false],
  ['MQTT', 'takes a length of four bytes', mqtt([0x85, 0x80, 0x80, 0], 5), true],
  [
    'MQTT',
    'refuses what comes after a whole packet as well',
    Buffer.concat([mqtt([3], 3), mqtt([0xff, 0xff, 0x7f])]),
    false,
  ],
];

describe('the frame guard', () => {
  test.each(rows)('%s: %s, however the bytes are cut', (protocol, _sentence, bytes, want) => {
    const readHeader = { AMQP: readAmqpHeader, MQTT: readMqttHeader }[protocol];
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const guard = createFrameGuard(readHeader);
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(chunks.every((chunk) => guard(chunk))).toBe(want);
      }),
      { numRuns: 30 },
    );
  });
});
