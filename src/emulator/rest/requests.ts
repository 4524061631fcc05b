// Parts of a request besides its path: body, api-version, paging headers.
import type { Context } from 'hono';
import { badRequest, ServiceError } from '../hub/service-error.ts';

/** A twin's sections hold 40 KB by the hub's formula; JSON escapes and spaces may need several times that. */
export const BODY_BYTES_MAX = 512 * 1024;
/** 100 entries with a twin each. */
export const BULK_BODY_BYTES_MAX = 8 * 1024 * 1024;

const API_VERSIONS: ReadonlySet<string> = new Set([
  '2018-06-30',
  '2020-05-31-preview',
  '2020-09-30',
  '2021-04-12',
  '2024-03-31',
]);

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The versions that current clients send; the body of the real hub's refusal is not established. */
export function requireApiVersion(c: Context): void {
  const version = c.req.query('api-version');
  if (version !== undefined && API_VERSIONS.has(version)) return;
  const text = `api-version should be one of ${[...API_VERSIONS].join(', ')}`;
  throw new ServiceError('InvalidProtocolVersion', text);
}

/** The body as JSON, of any content type. Throws ArgumentInvalid, or MessageTooLarge before reading it all. */
export async function readJson(c: Context, bytesMax = BODY_BYTES_MAX): Promise<unknown> {
  const bytes = await readBody(c, bytesMax);
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch {
    throw badRequest('the body is not JSON in UTF-8');
  }
}

/** A whole number in a query parameter or header, not range-checked; undefined if not sent. */
export function parseCount(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d{1,9}$/.test(text)) throw badRequest(`${name} is not a whole number`);
  return Number(text);
}

async function readBody(c: Context, bytesMax: number): Promise<ArrayBuffer | Uint8Array> {
  const length = c.req.header('content-length');
  // Node enforces the announced length; other bodies are counted while reading.
  if (length === undefined) return readStream(c.req.raw.body, bytesMax);
  if (Number(length) > bytesMax) throw tooLarge(bytesMax);
  return c.req.raw.arrayBuffer();
}

async function readStream(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The real limit and its error are not established. */
function tooLarge(bytesMax: number): ServiceError {
  return new ServiceError('MessageTooLarge', `The body should be at most ${bytesMax} bytes.`);
}

/** Hono decodes the path except "%25" and separators. */
export function pathSegments(path: string): string[] {
  return path.split('/').slice(1).map(decodeSegment);
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
