// Query text to tokens.
import { badRequest } from '../service-error.ts';

/** `word`: a keyword or a plain name; `name`: a bracketed one, never a keyword; `end`: the last token. */
export type Token =
  | { readonly kind: 'word' | 'name' | 'symbol' | 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'end'; readonly at: number };

const SPACE = /\s+/y;
const WORD = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const BRACKETED = /\[\[((?:[^\]]|\](?!\]))+)\]\]/y;
const NUMBER = /0[xX][0-9A-Fa-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const TEXT = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/sy;
const SYMBOL = /<>|!=|<=|>=|[=<>+\-*/%(),.[\]]/y;
const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|(.))/gs;
const ESCAPED_CHARACTERS = `'"\\`;

/** Throws the service's bare 400 for an invalid token. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text) ?? undefined;
    if (found !== undefined) at += found[0].length;
    return found;
  };
  while (at < text.length) {
    const start = at;
    if (match(SPACE) !== undefined) continue;
    tokens.push(readToken(match, start));
  }
  return [...tokens, { kind: 'end', at }];
}

function readToken(match: (pattern: RegExp) => RegExpExecArray | undefined, at: number): Token {
  const word = match(WORD);
  if (word !== undefined) return { kind: 'word', text: word[0], at };
  const bracketed = match(BRACKETED);
  if (bracketed !== undefined) return { kind: 'name', text: bracketed[1] ?? '', at };
  const number = match(NUMBER);
  if (number !== undefined) return { kind: 'number', value: toNumber(number[0], at), at };
  const text = match(TEXT);
  if (text !== undefined) return { kind: 'text', text: unescape(text[1] ?? text[2] ?? '', at), at };
  const symbol = match(SYMBOL);
  if (symbol !== undefined) return { kind: 'symbol', text: symbol[0], at };
  throw badRequest(`unexpected character at ${at}`);
}

function toNumber(text: string, at: number): number {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw badRequest(`number out of range at ${at}`);
}

function unescape(text: string, at: number): string {
  return text.replaceAll(ESCAPE, (_match, code: string | undefined, character: string | undefined) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    if (character !== undefined && ESCAPED_CHARACTERS.includes(character)) return character;
    throw badRequest(`unknown escape in the text at ${at}`);
  });
}
