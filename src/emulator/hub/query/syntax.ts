// The query language as data, between the parser and the evaluator.
import type { RowSource } from '../state.ts';

/** Keys from the twin's root; the first in its exact spelling. */
export type Path = readonly [root: string, ...keys: string[]];

export type Constant = string | number | boolean | null | undefined;
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';
export type Arithmetic = '+' | '-' | '*' | '/' | '%';

export type Expression =
  | { readonly kind: 'constant'; readonly value: Constant }
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expression[] }
  | { readonly kind: 'not' | 'negate'; readonly operand: Expression }
  | {
      readonly kind: 'compare';
      readonly operator: Comparison;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'arithmetic';
      readonly operator: Arithmetic;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'in';
      readonly operand: Expression;
      readonly values: readonly Constant[];
      readonly negated: boolean;
    }
  | { readonly kind: 'isDefined'; readonly path: Path }
  | { readonly kind: 'startsWith' | 'endsWith'; readonly text: Expression; readonly part: Expression };

export type Aggregate = 'COUNT' | 'AVG' | 'SUM' | 'MIN' | 'MAX';

/** One column. COUNT has no path. */
export type Projection =
  | { readonly kind: 'path'; readonly name: string; readonly path: Path }
  | {
      readonly kind: 'aggregate';
      readonly name: string;
      readonly aggregate: Aggregate;
      readonly path: Path | undefined;
    };

/** Jobs are rows of another kind: one for each device of a job. */
export type QuerySource = RowSource | 'jobs';

export interface Query {
  readonly source: QuerySource;
  /** Undefined for `*`. */
  readonly projections: readonly Projection[] | undefined;
  readonly top: number | undefined;
  readonly where: Expression | undefined;
  readonly groupBy: readonly Path[];
}
