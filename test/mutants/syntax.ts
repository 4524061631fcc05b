// The syntax tree of TypeScript, as far as mutants look at it.
import { parseSync } from 'oxc-parser';

/** A node, as far as every node has the same members. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** `parentheses`: whether they are nodes of their own. Throws where the source is not TypeScript. */
export function parse(file: string, source: string, { parentheses }: { readonly parentheses: boolean }): Node {
  const { program, errors } = parseSync(file, source, { preserveParens: parentheses });
  if (errors.length > 0) throw new SyntaxError(`${file} can not be parsed: ${errors[0]?.message}`);
  return program as unknown as Node;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

const LAYOUT = new Set(['start', 'end', 'raw']);

/** The same text for nodes that differ only in layout, comments and quotes; and parentheses, where these are no nodes. */
export function canonicalText(node: Node): string {
  return JSON.stringify(node, (key, value: unknown) => {
    if (LAYOUT.has(key)) return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  });
}
