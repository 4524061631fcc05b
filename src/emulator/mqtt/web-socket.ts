// MQTT inside web sockets (RFC 6455), for device clients that have port 443 alone: the server's side of one connection.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

export const WEB_SOCKET_PATH = '/$iothub/websocket';

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Larger than any packet that the hub takes; clients put a packet, or a part of one, into each frame. */
const PAYLOAD_BYTES_MAX = 512 * 1024;
const CONTROL_BYTES_MAX = 125;

const OPCODES = { continuation: 0x0, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** What is said inside, as bytes in both directions. Undefined, and the socket is gone, where the request asks for something else. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): Duplex | undefined {
  socket.on('error', () => {});
  const key = request.headers['sec-websocket-key'];
  const [path] = (request.url ?? '').split('?');
  const isAsked = request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
  if (!isAsked || path !== WEB_SOCKET_PATH || key === undefined || request.headers['sec-websocket-version'] !== '13') {
    socket.end(
      `HTTP/1.1 ${path === WEB_SOCKET_PATH ? '400 Bad Request' : '404 Not Found'}\r\nconnection: close\r\n\r\n`,
    );
    return undefined;
  }
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'upgrade: websocket',
    'connection: Upgrade',
    `sec-websocket-accept: ${createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')}`,
    ...(offers(request, 'mqtt') ? ['sec-websocket-protocol: mqtt'] : []),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return openStream(socket, head);
}

function offers(request: IncomingMessage, protocol: string): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((one) => one.trim().toLowerCase() === protocol);
}

function openStream(socket: Duplex, head: Buffer): Duplex {
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(frame(OPCODES.binary, chunk), done),
    final: (done) => void socket.end(frame(OPCODES.close, Buffer.alloc(0)), done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  stream.on('error', () => {});
  let isEnded = false;
  const end = (): void => {
    if (!isEnded) stream.push(null);
    isEnded = true;
  };
  const decode = createDecoder({
    data: (payload) => {
      if (!isEnded && !stream.push(payload)) socket.pause();
    },
    ping: (payload) => void socket.write(frame(OPCODES.pong, payload)),
    // What was said before is still to be read.
    close: end,
  });
  socket.on('data', (chunk: Buffer) => {
    if (!decode(chunk)) stream.destroy();
  });
  socket.on('close', end);
  if (head.length > 0 && !decode(head)) stream.destroy();
  return stream;
}

interface Handlers {
  readonly data: (payload: Buffer) => void;
  readonly ping: (payload: Buffer) => void;
  readonly close: () => void;
}

/** Feed it every chunk in order; false once the connection should be cut. */
function createDecoder(handlers: Handlers): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const header = readHeader(rest);
      if (header === 'short') return true;
      if (header === 'wrong') return false;
      const { opcode, at, length } = header;
      if (rest.length < at + length) return true;
      const payload = unmasked(rest.subarray(at, at + length), rest.subarray(at - 4, at));
      rest = rest.subarray(at + length);
      if (opcode === OPCODES.binary || opcode === OPCODES.continuation) handlers.data(payload);
      else if (opcode === OPCODES.ping) handlers.ping(payload);
      else if (opcode === OPCODES.close) handlers.close();
    }
  };
}

interface Header {
  readonly opcode: number;
  /** Where the payload begins; the mask is the four bytes before. */
  readonly at: number;
  readonly length: number;
}

/** Clients mask all that they send, use no extension, and say no texts. */
function readHeader(bytes: Buffer): Header | 'short' | 'wrong' {
  if (bytes.length < 2) return 'short';
  const [first = 0, second = 0] = bytes;
  const opcode = first & 0x0f;
  const isControl = opcode >= OPCODES.close;
  const isKnown = Object.values<number>(OPCODES).includes(opcode);
  if ((first & 0x70) !== 0 || !isKnown || (second & 0x80) === 0 || (isControl && (first & 0x80) === 0)) return 'wrong';
  const short = second & 0x7f;
  const sizeBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (bytes.length < 2 + sizeBytes) return 'short';
  const length = sizeBytes === 0 ? short : sizeBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (length > (isControl ? CONTROL_BYTES_MAX : PAYLOAD_BYTES_MAX)) return 'wrong';
  return { opcode, at: 2 + sizeBytes + 4, length };
}

function unmasked(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.from(payload);
  for (let index = 0; index < plain.length; index += 1) {
    plain[index] = (plain[index] as number) ^ (mask[index % 4] as number);
  }
  return plain;
}

/** What a server sends is not masked. */
function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (length >= 65_536) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length >= 126) head.writeUInt16BE(length, 2);
  return Buffer.concat([head, payload]);
}
