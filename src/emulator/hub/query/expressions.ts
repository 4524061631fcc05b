// Grammar of conditions, from OR, which binds least, to single values.
import { badRequest } from '../service-error.ts';
import type { Cursor } from './cursor.ts';
import type { Comparison, Constant, Expression, Path } from './syntax.ts';

/** Limits nested parentheses, unary operators and chained arithmetic, to protect the stack from hostile texts. */
const NESTING_MAX = 32;

const WORD_CONSTANTS = { TRUE: true, FALSE: false, NULL: null, UNDEFINED: undefined };

export function parseCondition(cursor: Cursor): Expression {
  return parseOr(cursor, 0);
}

/** The prefix for the kind of row is optional. */
export function parsePath(cursor: Cursor): Path {
  const { rows, prefix } = cursor.fields;
  const names = [cursor.expectName()];
  while (cursor.takeSymbol('.') !== undefined) names.push(cursor.expectName());
  const isPrefixed = names.length > prefix.length && prefix.every((part, at) => names[at]?.toLowerCase() === part);
  const [first = '', ...rest] = isPrefixed ? names.slice(prefix.length) : names;
  const root = cursor.fields.find(first);
  if (root === undefined) throw badRequest(`query: ${rows} have no field ${JSON.stringify(first)}`);
  return [root, ...rest];
}

function parseOr(cursor: Cursor, depth: number): Expression {
  if (depth > NESTING_MAX) throw badRequest('query: nested too deeply');
  const terms = [parseAnd(cursor, depth)];
  while (cursor.takeWord('OR') !== undefined) terms.push(parseAnd(cursor, depth));
  return joined('or', terms);
}

function parseAnd(cursor: Cursor, depth: number): Expression {
  const terms = [parseNot(cursor, depth)];
  while (cursor.takeWord('AND') !== undefined) terms.push(parseNot(cursor, depth));
  return joined('and', terms);
}

function joined(kind: 'and' | 'or', terms: readonly Expression[]): Expression {
  const [only] = terms;
  return only !== undefined && terms.length === 1 ? only : { kind, terms };
}

function parseNot(cursor: Cursor, depth: number): Expression {
  if (depth > NESTING_MAX) throw badRequest('query: nested too deeply');
  if (cursor.takeWord('NOT') === undefined) return parseComparison(cursor, depth);
  return { kind: 'not', operand: parseNot(cursor, depth + 1) };
}

function parseComparison(cursor: Cursor, depth: number): Expression {
  const left = parseSum(cursor, depth);
  const membership = cursor.takeWord('IN', 'NIN');
  if (membership !== undefined) {
    return { kind: 'in', operand: left, values: parseList(cursor), negated: membership === 'NIN' };
  }
  const symbol = cursor.takeSymbol('=', '!=', '<>', '<', '<=', '>', '>=');
  if (symbol === undefined) return left;
  const operator: Comparison = symbol === '<>' ? '!=' : symbol;
  return { kind: 'compare', operator, left, right: parseSum(cursor, depth) };
}

function parseList(cursor: Cursor): Constant[] {
  cursor.expectSymbol('[');
  const values: Constant[] = [];
  if (cursor.takeSymbol(']') !== undefined) return values;
  do values.push(parseSignedConstant(cursor));
  while (cursor.takeSymbol(',') !== undefined);
  cursor.expectSymbol(']');
  return values;
}

function parseSignedConstant(cursor: Cursor): Constant {
  const sign = cursor.takeSymbol('-', '+');
  const constant = sign === undefined ? takeConstant(cursor) : takeNumber(cursor, sign);
  if (constant === undefined) throw cursor.unexpected('a constant');
  return constant.value;
}

function takeNumber(cursor: Cursor, sign: '+' | '-'): { value: number } | undefined {
  const value = cursor.takeNumber();
  return value === undefined ? undefined : { value: sign === '-' ? -value : value };
}

function parseSum(cursor: Cursor, depth: number): Expression {
  let left = parseProduct(cursor, depth);
  for (let length = depth; ; length += 1) {
    const operator = cursor.takeSymbol('+', '-');
    if (operator === undefined) return left;
    if (length > NESTING_MAX) throw badRequest('query: nested too deeply');
    left = { kind: 'arithmetic', operator, left, right: parseProduct(cursor, depth) };
  }
}

function parseProduct(cursor: Cursor, depth: number): Expression {
  let left = parseUnary(cursor, depth);
  for (let length = depth; ; length += 1) {
    const operator = cursor.takeSymbol('*', '/', '%');
    if (operator === undefined) return left;
    if (length > NESTING_MAX) throw badRequest('query: nested too deeply');
    left = { kind: 'arithmetic', operator, left, right: parseUnary(cursor, depth) };
  }
}

function parseUnary(cursor: Cursor, depth: number): Expression {
  if (depth > NESTING_MAX) throw badRequest('query: nested too deeply');
  const sign = cursor.takeSymbol('-', '+');
  if (sign === undefined) return parseValue(cursor, depth);
  const operand = parseUnary(cursor, depth + 1);
  // A plus only requires that its operand is a number.
  const negated: Expression = { kind: 'negate', operand };
  return sign === '-' ? negated : { kind: 'negate', operand: negated };
}

function parseValue(cursor: Cursor, depth: number): Expression {
  if (cursor.takeSymbol('(') !== undefined) {
    const inner = parseOr(cursor, depth + 1);
    cursor.expectSymbol(')');
    return inner;
  }
  const constant = takeConstant(cursor);
  if (constant !== undefined) return { kind: 'constant', value: constant.value };
  return takeFunction(cursor, depth) ?? { kind: 'path', path: parsePath(cursor) };
}

function takeConstant(cursor: Cursor): { value: Constant } | undefined {
  const value = cursor.takeText() ?? cursor.takeNumber();
  if (value !== undefined) return { value };
  const word = cursor.takeWord('TRUE', 'FALSE', 'NULL', 'UNDEFINED');
  return word === undefined ? undefined : { value: WORD_CONSTANTS[word] };
}

/** ENDSWITH is reported to work but not confirmed; STARTS_WITH and CONTAINS do not. */
function takeFunction(cursor: Cursor, depth: number): Expression | undefined {
  const name = cursor.takeCall('IS_DEFINED', 'STARTSWITH', 'ENDSWITH');
  if (name === undefined) return undefined;
  if (name === 'IS_DEFINED') {
    const path = parsePath(cursor);
    cursor.expectSymbol(')');
    return { kind: 'isDefined', path };
  }
  const text = parseOr(cursor, depth + 1);
  cursor.expectSymbol(',');
  const part = parseOr(cursor, depth + 1);
  cursor.expectSymbol(')');
  return { kind: name === 'STARTSWITH' ? 'startsWith' : 'endsWith', text, part };
}
