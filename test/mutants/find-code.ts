// Finds a place of the code by syntax: a declaration by its name, and a piece of code in it, however both are laid out.
import { canonicalText, isNode, parse, type Node } from './syntax.ts';

/** A function, a member of a class or a constant at the top level of a file. */
export interface Declaration {
  /** `planTwin`, `HubLoop.#replan`. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly source: string;
  readonly node: Node;
}

/** A place that stays findable where code moves to another file, is laid out otherwise or gets other comments. */
export interface CodePlace {
  /** The name of the declaration; after a folder of `src/` where the code is in several of this name: `plan/planTwin`. */
  readonly in: string;
  /** An expression, statements, or properties of an object; compared without layout, comments, parentheses and quotes. */
  readonly code: string;
}

export interface FoundCode extends Declaration {
  readonly start: number;
  readonly end: number;
}

export function declarationsOf(file: string, source: string): Declaration[] {
  const body = parse(file, source, { parentheses: false })['body'] as readonly Node[];
  return body.flatMap(namedNodes).map(([name, node]) => ({ name, file, source, node }));
}

function namedNodes(statement: Node): (readonly [name: string, node: Node])[] {
  const { type, declaration, declarations, id, body } = statement;
  if (isNode(declaration)) return namedNodes(declaration);
  if (type === 'FunctionDeclaration') return [[nameOf(id), statement]];
  if (type === 'VariableDeclaration') return (declarations as readonly Node[]).map((one) => [nameOf(one['id']), one]);
  if (type !== 'ClassDeclaration') return [];
  const members = (body as Node)['body'] as readonly Node[];
  return members.map((member) => [`${nameOf(id)}.${nameOf(member['key'])}`, member]);
}

function nameOf(node: unknown): string {
  const { type, name } = node as Node;
  return type === 'PrivateIdentifier' ? `#${String(name)}` : String(name);
}

/** Throws where the code is not exactly once in declarations of the name, and says what comes near. */
export function findCode(declarations: readonly Declaration[], place: CodePlace): FoundCode {
  const piece = readPiece(place.code);
  const named = declarations.filter((one) => isNamed(one, place.in));
  const matches = named.flatMap((one) => matchesIn(one, piece));
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match;
  const hint = matches.length > 1 ? matches.map(lineText).join(', ') : nearest(declarations, named, place, piece);
  throw new Error(`${matches.length} times in ${place.in}: ${place.code} (${hint})`);
}

function isNamed({ name, file }: Declaration, wanted: string): boolean {
  const nameStart = wanted.lastIndexOf('/') + 1;
  return name === wanted.slice(nameStart) && file.startsWith(`src/${wanted.slice(0, nameStart)}`);
}

export function isSameCode(a: string, b: string): boolean {
  const [left, right] = [a, b].map((code) => readPiece(code).map(canonicalText).join('\n'));
  return left === right;
}

/** Nodes side by side. */
type Piece = readonly Node[];

/** As an expression where it is one. Properties look like statements with labels, which the code has none of. */
function readPiece(code: string): Piece {
  const [expression] = statementsOf(`(${code}\n)`);
  if (expression !== undefined) return [expression['expression'] as Node];
  const statements = statementsOf(code);
  if (statements.length > 0 && statements.every(({ type }) => type !== 'LabeledStatement')) return statements;
  const [object] = statementsOf(`({${code}\n})`);
  if (object === undefined) throw new Error(`neither an expression nor statements nor properties: ${code}`);
  return (object['expression'] as Node)['properties'] as Piece;
}

/** None where it is no code. Inside a function, where "return" and "await" may stand. */
function statementsOf(code: string): readonly Node[] {
  try {
    const program = parse('piece.ts', `async function* piece() {\n${code}\n}`, { parentheses: false });
    const [wrapper] = program['body'] as readonly [Node];
    return (wrapper['body'] as Node)['body'] as readonly Node[];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function matchesIn(declaration: Declaration, piece: Piece): FoundCode[] {
  const wanted = piece.map(canonicalText);
  const matches = new Map<string, FoundCode>();
  for (const siblings of rowsIn(declaration.node)) {
    const texts = siblings.map(canonicalText);
    for (const [index, { start }] of siblings.entries()) {
      const end = siblings[index + wanted.length - 1]?.end;
      if (end === undefined || wanted.some((text, offset) => text !== texts[index + offset])) continue;
      // Both halves of a shorthand property are the same place.
      matches.set(`${start} ${end}`, { ...declaration, start, end });
    }
  }
  return [...matches.values()];
}

/** All nodes inside, each with those beside it. */
function* rowsIn(node: Node): Generator<readonly Node[]> {
  for (const value of Object.values(node)) {
    const siblings = (Array.isArray(value) ? value : [value]).filter(isNode);
    yield siblings;
    for (const child of siblings) yield* rowsIn(child);
  }
}

function lineText({ file, source, start }: FoundCode): string {
  return `${file}:${source.slice(0, start).split('\n').length}`;
}

/** The code in other declarations; else what is written alike in those of the name; else names that are alike. */
function nearest(
  declarations: readonly Declaration[],
  named: readonly Declaration[],
  place: CodePlace,
  piece: Piece,
): string {
  const elsewhere = declarations.filter((one) => matchesIn(one, piece).length > 0);
  if (elsewhere.length > 0) return `it is in ${elsewhere.map(placeText).join(', ')}`;
  if (named.length === 0) return `nearest names: ${mostAlike(place.in, declarations.map(placeText)).join(', ')}`;
  const texts = named.flatMap(({ node, source }) => {
    const alike = [...rowsIn(node)].flat().filter(({ type }) => type === piece[0]?.type);
    return alike.map(({ start, end }) => source.slice(start, end).replaceAll(/\s+/g, ' '));
  });
  return `nearest in ${named.map(placeText).join(', ')}: ${mostAlike(place.code, texts).join(' | ')}`;
}

function placeText({ name, file }: Declaration): string {
  return `${name} of ${file}`;
}

const NEAREST_MAX = 3;

/** Those that share the most pairs of letters with the wanted text. */
function mostAlike(wanted: string, texts: readonly string[]): string[] {
  const pairsOf = (text: string): Set<string> => new Set(Array.from(text, (letter, index) => letter + text[index + 1]));
  const pairs = pairsOf(wanted);
  const ranked = [...new Set(texts)].map((text) => {
    const others = pairsOf(text);
    return { text, likeness: pairs.intersection(others).size / (pairs.size + others.size) };
  });
  return ranked
    .toSorted((a, b) => b.likeness - a.likeness)
    .slice(0, NEAREST_MAX)
    .map(({ text }) => text);
}
