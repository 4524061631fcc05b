// The parser's position in the tokens.
import { badRequest, type ServiceError } from '../service-error.ts';
import { type FieldNames, TWIN_FIELDS } from './fields.ts';
import type { Token } from './lexer.ts';

/** Keywords: as names they need brackets. `ORDER` is neither a keyword of the hub nor a valid name. */
const RESERVED = new Set(
  'SELECT TOP AS FROM WHERE GROUP ORDER BY AND OR NOT IN NIN TRUE FALSE NULL UNDEFINED'.split(' '),
);

export class Cursor {
  /** The names that paths may start with from here on. */
  fields: FieldNames = TWIN_FIELDS;
  readonly #tokens: readonly Token[];
  #index = 0;

  /** The tokens end with `end`. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#index] as Token;
  }

  /** Takes the next keyword if it is one of these, in any case. */
  takeWord<Word extends string>(...words: readonly Word[]): Word | undefined {
    const token = this.current;
    if (token.kind !== 'word') return undefined;
    const word = words.find((candidate) => candidate === token.text.toUpperCase());
    if (word !== undefined) this.#index += 1;
    return word;
  }

  takeSymbol<Symbol extends string>(...symbols: readonly Symbol[]): Symbol | undefined {
    const token = this.current;
    if (token.kind !== 'symbol') return undefined;
    const symbol = symbols.find((candidate) => candidate === token.text);
    if (symbol !== undefined) this.#index += 1;
    return symbol;
  }

  takeText(): string | undefined {
    const token = this.current;
    if (token.kind !== 'text') return undefined;
    this.#index += 1;
    return token.text;
  }

  takeNumber(): number | undefined {
    const token = this.current;
    if (token.kind !== 'number') return undefined;
    this.#index += 1;
    return token.value;
  }

  /** Takes the name of the next function call if it is one of these, with its parenthesis. */
  takeCall<Name extends string>(...names: readonly Name[]): Name | undefined {
    const after = this.#tokens[this.#index + 1];
    if (after?.kind !== 'symbol' || after.text !== '(') return undefined;
    const name = this.takeWord(...names);
    if (name !== undefined) this.#index += 1;
    return name;
  }

  /** A plain name, or any name in double brackets. */
  expectName(): string {
    const token = this.current;
    const isPlain = token.kind === 'word' && !RESERVED.has(token.text.toUpperCase());
    if (!isPlain && token.kind !== 'name') throw this.unexpected('a name');
    this.#index += 1;
    return token.text;
  }

  expectWord(word: string): void {
    if (this.takeWord(word) === undefined) throw this.unexpected(word);
  }

  expectSymbol(symbol: string): void {
    if (this.takeSymbol(symbol) === undefined) throw this.unexpected(`"${symbol}"`);
  }

  expectEnd(): void {
    if (this.current.kind !== 'end') throw this.unexpected('the end');
  }

  unexpected(expected: string): ServiceError {
    return badRequest(`query: expected ${expected} at ${this.current.at}`);
  }
}
