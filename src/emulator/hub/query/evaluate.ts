// Compiles conditions and columns to functions of a row.
import { unreachable } from '../../../model/errors.ts';
import { getPath, type Json } from '../../../model/json.ts';
import type { HubRecord } from '../record.ts';
import { readRootField } from '../twins/twin-fields.ts';
import type { Arithmetic, Comparison, Constant, Expression, Path } from './syntax.ts';

/** Undefined if the twin lacks the value, or the operation does not apply to these values. */
export type Reader = (record: HubRecord) => Json | undefined;

/** Undefined if rows of this kind, or this row, lack the field. */
type FieldReader<Row> = (row: Row, field: string) => Json | undefined;

/** True for the rows that the condition keeps: only true keeps a row, not undefined. */
export function compileCondition(expression: Expression | undefined): (record: HubRecord) => boolean {
  return compileRowCondition(expression, readRootField);
}

/** Like `compileCondition`, for rows of any kind. */
export function compileRowCondition<Row>(
  expression: Expression | undefined,
  readField: FieldReader<Row>,
): (row: Row) => boolean {
  if (expression === undefined) return () => true;
  const read = compiler(readField)(expression);
  return (row) => read(row) === true;
}

export function compilePath(path: Path): Reader {
  return pathReader(path, readRootField);
}

function pathReader<Row>([root, ...rest]: Path, readField: FieldReader<Row>): (row: Row) => Json | undefined {
  if (rest.length === 0) return (row) => readField(row, root);
  return (row) => getPath(readField(row, root), rest);
}

function compiler<Row>(readField: FieldReader<Row>): (expression: Expression) => (row: Row) => Json | undefined {
  type RowReader = (row: Row) => Json | undefined;

  function compile(expression: Expression): RowReader {
    switch (expression.kind) {
      case 'constant':
        return () => expression.value;
      case 'path':
        return pathReader(expression.path, readField);
      case 'and':
        return compileTerms(expression.terms, false);
      case 'or':
        return compileTerms(expression.terms, true);
      case 'not':
        return mapped(expression.operand, (value) => (typeof value === 'boolean' ? !value : undefined));
      case 'negate':
        return mapped(expression.operand, (value) => (typeof value === 'number' ? -value : undefined));
      case 'compare':
        return paired(expression.left, expression.right, (a, b) => compare(expression.operator, a, b));
      case 'arithmetic':
        return paired(expression.left, expression.right, (a, b) => calculate(expression.operator, a, b));
      case 'in':
        return compileMembership(expression.operand, expression.values, expression.negated);
      case 'isDefined':
        return mapped({ kind: 'path', path: expression.path }, (value) => value !== undefined);
      case 'startsWith':
        return paired(
          expression.text,
          expression.part,
          textTest((text, part) => text.startsWith(part)),
        );
      case 'endsWith':
        return paired(
          expression.text,
          expression.part,
          textTest((text, part) => text.endsWith(part)),
        );
      default:
        return unreachable(expression);
    }
  }

  /** False decides AND, true decides OR; otherwise a term that is not a boolean makes the result undefined. */
  function compileTerms(terms: readonly Expression[], decisive: boolean): RowReader {
    const readers = terms.map((term) => compile(term));
    return (row) => {
      let result: boolean | undefined = !decisive;
      for (const read of readers) {
        const value = read(row);
        if (value === decisive) return decisive;
        if (typeof value !== 'boolean') result = undefined;
      }
      return result;
    };
  }

  function compileMembership(operand: Expression, constants: readonly Constant[], negated: boolean): RowReader {
    const values = new Set<Json | undefined>(constants.filter((constant) => constant !== undefined));
    return mapped(operand, (value) => (isPrimitive(value) ? values.has(value) !== negated : undefined));
  }

  function mapped(operand: Expression, change: (value: Json | undefined) => Json | undefined): RowReader {
    const read = compile(operand);
    return (row) => change(read(row));
  }

  function paired(
    left: Expression,
    right: Expression,
    combine: (a: Json | undefined, b: Json | undefined) => Json | undefined,
  ): RowReader {
    const readLeft = compile(left);
    const readRight = compile(right);
    return (row) => combine(readLeft(row), readRight(row));
  }

  return compile;
}

function textTest(test: (text: string, part: string) => boolean) {
  return (text: Json | undefined, part: Json | undefined): boolean | undefined =>
    typeof text === 'string' && typeof part === 'string' ? test(text, part) : undefined;
}

function isPrimitive(value: Json | undefined): value is Primitive {
  return value !== undefined && (value === null || typeof value !== 'object');
}

type Primitive = string | number | boolean | null;

/** For two values of the same kind; strings compare by UTF-16 code units. */
const COMPARISONS: Readonly<Record<Comparison, (a: Primitive, b: Primitive) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => isLess(a, b),
  '>': (a, b) => isLess(b, a),
  '<=': (a, b) => !isLess(b, a),
  '>=': (a, b) => !isLess(a, b),
};

const ARITHMETIC: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

function compare(operator: Comparison, a: Json | undefined, b: Json | undefined): boolean | undefined {
  if (!isPrimitive(a) || !isPrimitive(b)) return undefined;
  const isSameKind = typeof a === typeof b && (a === null) === (b === null);
  return isSameKind ? COMPARISONS[operator](a, b) : undefined;
}

function isLess(a: Primitive, b: Primitive): boolean {
  return a !== null && b !== null && a < b;
}

function calculate(operator: Arithmetic, a: Json | undefined, b: Json | undefined): number | undefined {
  if (typeof a !== 'number' || typeof b !== 'number') return undefined;
  const result = ARITHMETIC[operator](a, b);
  return Number.isFinite(result) ? result : undefined;
}
