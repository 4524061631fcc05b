// Parses bytes to documents: YAML as plain JSON, with the origin of every value on demand.
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  type Alias,
  type Document as YamlDocument,
  type ParsedNode,
  type YAMLError,
} from 'yaml';
import type { Code } from '../model/codes.ts';
import { diagnose, type Diagnostic, type Origin } from '../model/diagnostic.ts';
import { setKey, type Json, type JsonObject } from '../model/json.ts';
import { lazy } from '../model/lazy.ts';
import type { SourceFile } from '../model/snapshot.ts';
import { findNotJson, type NotJson } from './strict-json.ts';
import { isUnclosed, UNKNOWN_ALIAS, wordsOf } from './yaml-words.ts';

/** Limit on the values that all aliases of a document expand to. The file size bounds literal values. */
const ALIASED_MAX = 100_000;
const DEPTH_MAX = 64;
const FILE_BYTES_MAX = 8 * 1024 * 1024;
/** Per document: after its first mistake the parser misreads much of the rest. */
const PROBLEMS_MAX = 5;

/** Steps into a document: keys of objects and indexes of arrays as text. */
export type DocumentPath = readonly string[];

export interface Document {
  readonly json: Json;
  /** The file, preceded by the original one if the document names it (kustomize): `base/gate.yaml via <stdin>`. */
  readonly file: string;
  /** The base folder for paths in the document: that of its file, or "" for standard input. */
  readonly folder: string;
  /** The place of the value at a path, or the nearest place above it; `key` selects its key instead. */
  originOf(path: DocumentPath, part?: 'key' | 'value'): Origin;
}

export interface ParsedFile {
  readonly documents: readonly Document[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Never throws, for any bytes. Leaves out documents with problems. */
export function parseFile({ path: file, bytes }: SourceFile): ParsedFile {
  if (bytes.length > FILE_BYTES_MAX) {
    const message = `The file has ${bytes.length} bytes; at most ${FILE_BYTES_MAX} are read.`;
    return { documents: [], diagnostics: [diagnose('TW1006', start(file), message, { hint: 'Split it.' })] };
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { documents: [], diagnostics: [notUtf8(file, bytes)] };
  }
  const parsed = parseText(file, text);
  const notJson = JSON_NAME.test(file) ? findNotJson(text) : undefined;
  if (notJson === undefined) return parsed;
  // Also report other problems of the documents; YAML's grammar errors repeat the same mistake.
  const others = parsed.diagnostics.filter(({ code }) => !OF_GRAMMAR.has(code));
  return { ...parsed, diagnostics: [explainNotJson(notJson, file, text), ...others] };
}

const JSON_NAME = /\.json$/i;
const OF_GRAMMAR: ReadonlySet<Code> = new Set<Code>(['TW1001', 'TW1003', 'TW1007', 'TW1008']);

function explainNotJson({ offset, message }: NotJson, file: string, text: string): Diagnostic {
  const before = text.slice(0, offset).split('\n');
  const origin = { file, line: before.length, column: (before.at(-1) ?? '').length + 1 };
  const hint = 'Correct it, or let the name of the file end with .yaml: YAML has more than JSON.';
  return diagnose('TW1010', origin, message, { hint });
}

const OPTIONS = {
  prettyErrors: false,
  logLevel: 'silent',
  stringKeys: true,
  // The parser compares every key with every other; Reading finds duplicates in one pass.
  uniqueKeys: false,
} as const;

function parseText(file: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { ...OPTIONS, lineCounter: lines });
  const documents: Document[] = [];
  const diagnostics: Diagnostic[] = [];
  if (!Array.isArray(parsed)) return { documents, diagnostics };
  let offset = 0;
  for (const yaml of parsed) {
    const source: DocumentSource = { file, text: text.slice(offset, yaml.range[2]), offset, lines };
    offset = yaml.range[2];
    const errors = [...yaml.errors, ...yaml.warnings];
    if (errors.length > 0) {
      diagnostics.push(...explainAll(errors, yaml.contents, file, lines));
      continue;
    }
    if (yaml.contents === null || (isScalar(yaml.contents) && yaml.contents.value === null)) continue;
    const reading = new Reading(file, lines);
    const json = reading.read(yaml.contents, 0);
    if (reading.problems.length > 0) diagnostics.push(...reading.problems);
    else documents.push(toDocument(json, yaml.contents, source));
  }
  return { documents, diagnostics };
}

/** Converts nodes to JSON, counting the values that aliases expand to. */
class Reading {
  /** Duplicate keys, and the first unreadable value. */
  readonly problems: Diagnostic[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  /** Anchors so far: an alias refers to the last one before it. */
  readonly #anchors = new Map<string, unknown>();
  #aliased = 0;
  /** The outermost alias around the current node: its content is elsewhere, so problems point at the alias. */
  #alias: Alias | undefined;
  #isRefused = false;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  read(node: unknown, depth: number): Json {
    if (this.#isRefused) return null;
    if (this.#alias !== undefined && ++this.#aliased > ALIASED_MAX) {
      const message = `The aliases of this document stand for more than ${ALIASED_MAX} values.`;
      return this.#refuse(this.#alias, 'TW1005', message, 'Write the values out, or split the document.');
    }
    if (depth > DEPTH_MAX)
      return this.#refuse(node, 'TW1006', `The document is nested deeper than ${DEPTH_MAX} levels.`);
    if (isAlias(node)) return this.#expand(node, depth);
    if (isNode(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(node, node.value);
    if (isMap(node)) {
      const object: JsonObject = {};
      for (const pair of node.items) {
        const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
        if (MERGE_KEYS.has(key))
          return this.#refuse(pair.key, 'TW1008', 'Merge keys (<<) are not supported.', 'Write the fields out.');
        if (Object.hasOwn(object, key)) this.#noteDuplicate(pair.key, key);
        setKey(object, key, this.read(pair.value, depth + 1));
      }
      return object;
    }
    if (isSeq(node)) return node.items.map((item) => this.read(item, depth + 1));
    return null;
  }

  #expand(node: Alias, depth: number): Json {
    const target = this.#anchors.get(node.source);
    if (target === undefined) return this.#refuse(node, 'TW1001', UNKNOWN_ALIAS);
    const outer = this.#alias;
    this.#alias ??= node;
    const json = this.read(target, depth + 1);
    this.#alias = outer;
    return json;
  }

  #scalar(node: unknown, value: unknown): Json {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    const text = typeof value === 'bigint' || typeof value === 'number' ? `${value}` : 'of this kind';
    return this.#refuse(node, 'TW1008', `JSON can't hold a value ${text}.`, 'Write a text in quotes.');
  }

  #noteDuplicate(node: unknown, key: string): void {
    if (this.#alias !== undefined || this.problems.length >= PROBLEMS_MAX) return;
    const message = `The key "${key}" is already in the same object.`;
    const origin = originOfNode(node, this.#file, this.#lines);
    this.problems.push(diagnose('TW1004', origin, message, { hint: 'Remove or rename one of them.' }));
  }

  #refuse(node: unknown, code: Code, message: string, hint?: string): null {
    if (!this.#isRefused)
      this.problems.push(diagnose(code, originOfNode(node, this.#file, this.#lines), message, { hint }));
    this.#isRefused = true;
    return null;
  }
}

/** The parser marks a merge key under `%YAML 1.1` in the second way. */
const MERGE_KEYS: ReadonlySet<string> = new Set(['<<', 'Symbol(<<)']);

interface DocumentSource {
  readonly file: string;
  /** Only of this document. */
  readonly text: string;
  /** Where the text begins in the file. */
  readonly offset: number;
  readonly lines: LineCounter;
}

/**
 * Few origins are ever needed, and the parser's nodes are much larger than their text: drop the nodes, and parse a
 * document again on demand.
 */
function toDocument(json: Json, contents: unknown, { file, text, offset, lines }: DocumentSource): Document {
  const named = kustomizeOrigin(json);
  // Lines and columns refer to the last file named: "base/gate.yaml via <stdin>:14:3".
  const shown = named === undefined ? file : `${named} via ${file}`;
  const origin = originOfNode(contents, shown, lines);
  const again = lazy(() => parseDocument(text, OPTIONS));
  return {
    json,
    file: shown,
    folder: file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '',
    originOf(path, part = 'value') {
      if (path.length === 0) return origin;
      return originOfNode(locate(again(), path, part), shown, lines, offset);
    },
  };
}

/** The node at a path, or the nearest existing one above it. */
function locate(yaml: YamlDocument.Parsed, path: DocumentPath, part: 'key' | 'value'): unknown {
  let node: unknown = yaml.contents;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(yaml);
    const isLast = index === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) return node;
      node = isLast && (part === 'key' || isNothing(pair.value)) ? pair.key : (pair.value ?? pair.key);
    } else if (isSeq(node)) {
      node = node.items[Number(step)] ?? node;
    } else {
      return node;
    }
  }
  return node;
}

/** True for an empty value: the parser may place it lines below its key. */
function isNothing(value: unknown): boolean {
  return isScalar(value) && value.range !== undefined && value.range !== null && value.range[0] === value.range[1];
}

/** `offset`: where the parsed text begins in the file. */
function originOfNode(node: unknown, file: string, lines: LineCounter, offset = 0): Origin {
  const parsed = isPair(node) ? node.key : node;
  const range = (parsed as ParsedNode | null | undefined)?.range;
  if (range === undefined || range === null) return start(file);
  const { line, col } = lines.linePos(offset + range[0]);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** With `buildMetadata: [originAnnotations]` kustomize annotates each resource with its original file. */
function kustomizeOrigin(json: Json): string | undefined {
  const annotations = (json as { metadata?: { annotations?: Record<string, unknown> } } | null)?.metadata?.annotations;
  const origin = annotations?.['config.kubernetes.io/origin'];
  const path =
    typeof origin === 'string' ? /^path: *(\S.*?) *$/m.exec(origin)?.[1] : annotations?.['config.kubernetes.io/path'];
  return typeof path === 'string' ? path : undefined;
}

/**
 * The first problems, one per line: later ones on a line mostly follow from the first. Problems next to a tab are
 * dropped, and excessive depth is reported once.
 */
function explainAll(errors: readonly YAMLError[], contents: unknown, file: string, lines: LineCounter): Diagnostic[] {
  const tabs = errors.filter(({ code }) => code === 'TAB_AS_INDENT');
  const byLine = new Map<number | string, YAMLError>();
  for (const error of tabs.length > 0 ? tabs : errors) {
    if (byLine.size === PROBLEMS_MAX) break;
    const place = error.code === 'RESOURCE_EXHAUSTION' ? error.code : lines.linePos(error.pos[0]).line;
    if (!byLine.has(place)) byLine.set(place, error);
  }
  return [...byLine.values()].map((error) => {
    const { line, col } = lines.linePos(isUnclosed(error) ? (lastQuote(contents) ?? error.pos[0]) : error.pos[0]);
    const { code, message, hint } = wordsOf(error);
    return diagnose(code, { file, line: Math.max(line, 1), column: Math.max(col, 1) }, message, { hint });
  });
}

/** Start of the last text of a document, if it is quoted: an unclosed one swallows everything after it. */
function lastQuote(contents: unknown): number | undefined {
  let node: unknown = contents;
  for (let depth = 0; depth <= DEPTH_MAX; depth += 1) {
    const last: unknown = isMap(node) || isSeq(node) ? node.items.at(-1) : undefined;
    if (last === undefined) break;
    node = isPair(last) ? (last.value ?? last.key) : last;
  }
  return isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') ? node.range?.[0] : undefined;
}

function notUtf8(file: string, bytes: Uint8Array): Diagnostic {
  const good = new TextDecoder('utf-8').decode(bytes).split('\uFFFD')[0] ?? '';
  const lines = good.split('\n');
  const origin = { file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  return diagnose('TW1002', origin, 'The file has bytes that are not UTF-8.', { hint: 'Save it as UTF-8.' });
}

const start = (file: string): Origin => ({ file, line: 1, column: 1 });
