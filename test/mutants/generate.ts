// Mutants by rule: the classic operators at every place of a file where they apply.
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { Mutant } from './mutant.ts';
import { isNode, parse, type Node } from './syntax.ts';

interface Edit {
  /** The change, in words. */
  readonly what: string;
  readonly at: Pick<Node, 'start' | 'end'>;
  readonly replacement: string;
}

/** `text` gives the source of a node. */
type Operator = (node: Node, text: (node: Pick<Node, 'start' | 'end'>) => string) => readonly Edit[];

const OPERATORS: readonly Operator[] = [
  mutateCondition,
  mutateBinary,
  mutateLogical,
  mutateNot,
  mutateLiteral,
  mutateArray,
  removeStatement,
  mutateAssignment,
  mutateOptional,
  removeSpread,
  swapMethod,
];

/** In the order of the file. Types are no code and stay as they are. */
export function generate(file: string, source: string): Mutant[] {
  const text = ({ start, end }: Pick<Node, 'start' | 'end'>): string => source.slice(start, end);
  const mutants: Mutant[] = [];
  for (const node of walk(parse(file, source, { parentheses: true }))) {
    for (const operator of OPERATORS) {
      for (const { what, at, replacement } of operator(node, text)) {
        const above = source.slice(0, at.start).split('\n');
        const name = `${file}:${above.length}:${(above.at(-1) ?? '').length + 1} ${what}: ${clip(text(at))}`;
        mutants.push({ name, file, start: at.start, end: at.end, replacement });
      }
    }
  }
  return withOwnNames(mutants.toSorted((a, b) => a.start - b.start));
}

/** Long places with the same beginning are distinguished by number. */
function withOwnNames(mutants: readonly Mutant[]): Mutant[] {
  const counts = new Map<string, number>();
  return mutants.map((mutant) => {
    const count = (counts.get(mutant.name) ?? 0) + 1;
    counts.set(mutant.name, count);
    return count === 1 ? mutant : { ...mutant, name: `${mutant.name} (${count})` };
  });
}

/** This many of the mutants, chosen by the seed, in their own order. */
export function sample(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  const random = createSeededRandom(seed);
  const drawn = mutants.map((mutant) => ({ mutant, rank: random.next() }));
  const chosen = new Set(drawn.toSorted((a, b) => a.rank - b.rank).slice(0, count));
  return drawn.filter((one) => chosen.has(one)).map(({ mutant }) => mutant);
}

/** Types whose expression is code. */
const TRANSPARENT = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']);

function* walk(node: Node): Generator<Node> {
  if (isSign(node)) return yield* walk(node['test'] as Node);
  if (node.type.startsWith('Import') && node.type !== 'ImportExpression') return;
  if (TRANSPARENT.has(node.type)) return yield* walk(node['expression'] as Node);
  if (node.type.startsWith('TS')) return;
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child);
  }
}

/** `a < b ? -1 : 1`: of the numbers only the sign counts. */
function isSign({ type, consequent }: Node): boolean {
  return type === 'ConditionalExpression' && isNode(consequent) && consequent.type === 'UnaryExpression';
}

const LENGTH_MAX = 50;

function clip(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > LENGTH_MAX ? `${line.slice(0, LENGTH_MAX - 1)}…` : line;
}

function mutateCondition({ type, test }: Node, text: Parameters<Operator>[1]): Edit[] {
  if (!isNode(test) || type === 'SwitchCase') return [];
  const negated = { what: 'negated', at: test, replacement: `!(${text(test)})` };
  const never = { what: 'never', at: test, replacement: 'false' };
  // A loop with a constantly true condition would only hang.
  if (type !== 'IfStatement' && type !== 'ConditionalExpression') return [never];
  const always = { what: 'always', at: test, replacement: 'true' };
  // To take a "!" away is an operator of its own.
  return test.type === 'UnaryExpression' ? [always, never] : [negated, always, never];
}

const SWAPPED: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '&': '|',
  '|': '&',
};

function mutateBinary({ type, operator, left, right, start, end }: Node, text: Parameters<Operator>[1]): Edit[] {
  if (type !== 'BinaryExpression' || !isNode(left) || !isNode(right)) return [];
  const swapped = SWAPPED[String(operator)];
  if (swapped === undefined || [left, right].some(isText)) return [];
  const what = `${String(operator)} to ${swapped}`;
  return [{ what, at: { start, end }, replacement: `${text(left)} ${swapped} ${text(right)}` }];
}

/** "+" also concatenates texts; a comparison with one is not arithmetic. */
function isText({ type, value }: Node): boolean {
  return type === 'TemplateLiteral' || (type === 'Literal' && typeof value === 'string' && value.includes(' '));
}

function mutateLogical({ type, operator, left, right, start, end }: Node, text: Parameters<Operator>[1]): Edit[] {
  if (type !== 'LogicalExpression' || !isNode(left) || !isNode(right)) return [];
  const swapped = operator === '&&' ? '||' : '&&';
  const replacement = `((${text(left)}) ${swapped} (${text(right)}))`;
  return [{ what: `${String(operator)} to ${swapped}`, at: { start, end }, replacement }];
}

function mutateNot({ type, operator, argument, start, end }: Node, text: Parameters<Operator>[1]): Edit[] {
  if (type !== 'UnaryExpression' || operator !== '!' || !isNode(argument)) return [];
  return [{ what: 'without "!"', at: { start, end }, replacement: `(${text(argument)})` }];
}

/** Texts with a space are words for people: their tests say the same once more and nothing else. */
function mutateLiteral({ type, value, start, end }: Node): Edit[] {
  if (type !== 'Literal') return [];
  const at = { start, end };
  if (typeof value === 'boolean') return [{ what: `${value} to ${!value}`, at, replacement: String(!value) }];
  if (typeof value === 'number') return [{ what: 'one more', at, replacement: String(value + 1) }];
  if (typeof value !== 'string' || value.includes(' ')) return [];
  return [{ what: 'another text', at, replacement: value === '' ? "'mutant'" : "''" }];
}

function mutateArray({ type, elements, start, end }: Node): Edit[] {
  if (type !== 'ArrayExpression' || !Array.isArray(elements) || elements.length === 0) return [];
  return [{ what: 'emptied', at: { start, end }, replacement: '[]' }];
}

function removeStatement({ type, expression, start, end }: Node): Edit[] {
  if (type !== 'ExpressionStatement' || !isNode(expression)) return [];
  const inner = expression.type === 'AwaitExpression' ? (expression['argument'] as Node) : expression;
  const isEffect = ['CallExpression', 'ChainExpression', 'AssignmentExpression', 'UnaryExpression'];
  return isEffect.includes(inner.type) ? [{ what: 'removed', at: { start, end }, replacement: '{}' }] : [];
}

const SWAPPED_ASSIGNMENTS: Readonly<Record<string, string>> = { '+=': '-=', '-=': '+=', '|=': '&=', '??=': '=' };

function mutateAssignment({ type, operator, left, right, start, end }: Node, text: Parameters<Operator>[1]): Edit[] {
  const swapped = SWAPPED_ASSIGNMENTS[String(operator)];
  if (type !== 'AssignmentExpression' || swapped === undefined || !isNode(left) || !isNode(right)) return [];
  const replacement = `${text(left)} ${swapped} ${text(right)}`;
  return [{ what: `${String(operator)} to ${swapped}`, at: { start, end }, replacement }];
}

function mutateOptional(node: Node, text: Parameters<Operator>[1]): Edit[] {
  const { type, object, callee, optional, start, end } = node;
  const holder = type === 'MemberExpression' ? object : callee;
  if (optional !== true || !isNode(holder)) return [];
  const rest = text({ start: holder.end, end });
  const plain = rest.replace('?.', type === 'MemberExpression' && node['computed'] !== true ? '.' : '');
  return [{ what: 'without "?."', at: { start, end }, replacement: text(holder) + plain }];
}

function removeSpread({ type, elements, properties }: Node): Edit[] {
  const [items, nothing] = type === 'ArrayExpression' ? [elements, '...[]'] : [properties, '...{}'];
  if (type !== 'ArrayExpression' && type !== 'ObjectExpression') return [];
  return (items as readonly (Node | null)[]).flatMap((item) =>
    item?.type === 'SpreadElement' ? [{ what: 'left out', at: item, replacement: nothing }] : [],
  );
}

const SWAPPED_METHODS: ReadonlyMap<string, string> = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
]);

function swapMethod({ type, callee }: Node): Edit[] {
  if (type !== 'CallExpression' || !isNode(callee) || callee.type !== 'MemberExpression') return [];
  const property = callee['property'] as Node;
  const swapped = SWAPPED_METHODS.get(String(property['name']));
  return swapped === undefined ? [] : [{ what: `to ${swapped}`, at: property, replacement: swapped }];
}
