// Continuation tokens: opaque to clients, bound only to the text of their query.
import { digestBytes } from '../../../model/digest.ts';
import { isObject } from '../../../model/json.ts';
import { remembering } from '../../../model/lazy.ts';
import { badRequest } from '../service-error.ts';

export interface Place {
  /** Sequence number of the next row, or the index of the next group. */
  readonly next: number;
  /** Rows returned on earlier pages, which TOP counts. */
  readonly given: number;
}

/** Clients repeat the same few queries, page by page. */
const digestOf = remembering(64, (query: string) => digestBytes(query));

export function writeContinuation(query: string, { next, given }: Place): string {
  return Buffer.from(JSON.stringify({ query: digestOf(query), next, given })).toString('base64url');
}

/** Throws the bare 400 if it is not a token or belongs to another query. */
export function readContinuation(query: string, token: string): Place {
  const value = parse(token);
  if (!isObject(value)) throw badRequest('query: the continuation is not a token of this hub');
  const { next, given } = value;
  if (!isCount(next) || !isCount(given)) throw badRequest('query: the continuation is not a token of this hub');
  if (value['query'] !== digestOf(query)) throw badRequest('query: the continuation belongs to another query');
  return { next, given };
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
