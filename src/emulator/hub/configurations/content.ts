// The content of a configuration: its three forms, and the values that it sets in desired properties.
import { isObject, type Json, type JsonObject, setPath } from '../../../model/json.ts';
import { isId } from '../record.ts';
import { invalidConfigurationContent, ServiceError } from '../service-error.ts';
import { checkValues } from '../twins/twin-limits.ts';
import type { ContentKind } from './configuration.ts';

const KINDS: readonly ContentKind[] = ['deviceContent', 'moduleContent', 'modulesContent'];
const WHOLE_SECTION = 'properties.desired';
const EDGE_AGENT = '$edgeAgent';
const EDGE_HUB = '$edgeHub';

/** The value at one path of desired properties: a scalar, an array, an empty object, or null, which removes. */
export interface Leaf {
  readonly path: readonly string[];
  readonly value: Json;
}

/** The one form that is present, checked. Throws InvalidConfigurationContent. */
export function parseContent(value: unknown): { readonly kind: ContentKind; readonly content: JsonObject } {
  if (!isObject(value)) throw invalidConfigurationContent('Content is required.');
  const given = Object.keys(value).filter((key) => value[key] !== null);
  const kind = KINDS.find((candidate) => candidate === given[0]);
  if (kind === undefined || given.length > 1) {
    throw invalidConfigurationContent(`Content must be exactly one of ${KINDS.join(', ')}.`);
  }
  const content = value[kind];
  checkContent(kind, content);
  return { kind, content };
}

/** Throws InvalidConfigurationContent. Nulls, which remove keys, are legal. */
export function checkContent(kind: ContentKind, content: Json | undefined): asserts content is JsonObject {
  if (!isObject(content)) throw invalidConfigurationContent(`${kind} is not an object.`);
  if (kind !== 'modulesContent') {
    if (Object.keys(content).length === 0) throw invalidConfigurationContent(`${kind} is empty.`);
    checkTwinContent(content);
    return;
  }
  if (!isObject(content[EDGE_AGENT])) throw invalidConfigurationContent(`${kind} must have ${EDGE_AGENT}.`);
  for (const [moduleId, twin] of Object.entries(content)) {
    if (!isId(moduleId) || !isObject(twin)) throw invalidConfigurationContent(`${moduleId} is no module's content.`);
    checkTwinContent(twin);
  }
}

/** The values that the content of one twin sets. If two of its keys overlap, the later wins. */
export function leavesOf(content: JsonObject): Leaf[] {
  const overlay = new Overlay<undefined>();
  for (const [key, value] of Object.entries(content)) {
    for (const leaf of flatten(sectionPath(key), value)) overlay.put(leaf, undefined);
  }
  return overlay.leaves();
}

/** The object made of the leaves; `keepsNulls` keeps the nulls that mean removal. */
export function objectOf(leaves: Iterable<Leaf>, options: { readonly keepsNulls: boolean }): JsonObject {
  const object: JsonObject = {};
  for (const { path, value } of leaves) if (value !== null || options.keepsNulls) setPath(object, path, value);
  return object;
}

/** True if the content is the whole desired section of the module, as in a base deployment. */
export function isWhole(twin: JsonObject): boolean {
  return Object.hasOwn(twin, WHOLE_SECTION);
}

/** A deployment that only adds to another one. */
export function isLayered(content: JsonObject): boolean {
  const agent = content[EDGE_AGENT];
  return !(isObject(agent) && isWhole(agent));
}

/** Modules that must exist on the device: those with content, and those that the agent must run. */
export function modulesOfContent(content: JsonObject): Set<string> {
  const moduleIds = new Set(Object.keys(content));
  const agent = content[EDGE_AGENT];
  const desired = isObject(agent) ? objectOf(leavesOf(agent), { keepsNulls: false }) : {};
  if (isObject(desired['modules'])) for (const moduleId of Object.keys(desired['modules'])) moduleIds.add(moduleId);
  moduleIds.delete(EDGE_AGENT);
  moduleIds.delete(EDGE_HUB);
  return moduleIds;
}

/** Overlaid leaves: a later one replaces those at, above and below its path. */
export class Overlay<Owner> {
  #root: Node<Owner> = { leaf: undefined, below: new Map() };

  put(leaf: Leaf, owner: Owner): void {
    let node = this.#root;
    for (const key of leaf.path) {
      node.leaf = undefined;
      const next = node.below.get(key) ?? { leaf: undefined, below: new Map() };
      node.below.set(key, next);
      node = next;
    }
    node.leaf = { ...leaf, owner };
    node.below.clear();
  }

  leaves(): OwnedLeaf<Owner>[] {
    return leavesBelow(this.#root);
  }

  /** True if a leaf at, above or below this path determines its value. */
  covers(path: readonly string[]): boolean {
    let node = this.#root;
    for (const key of path) {
      if (node.leaf !== undefined) return true;
      const next = node.below.get(key);
      if (next === undefined) return false;
      node = next;
    }
    return true;
  }
}

type OwnedLeaf<Owner> = Leaf & { readonly owner: Owner };

/** Either a leaf, or nodes below. Only an empty root has neither. */
interface Node<Owner> {
  leaf: OwnedLeaf<Owner> | undefined;
  readonly below: Map<string, Node<Owner>>;
}

function leavesBelow<Owner>({ leaf, below }: Node<Owner>): OwnedLeaf<Owner>[] {
  return leaf === undefined ? [...below.values()].flatMap((node) => leavesBelow(node)) : [leaf];
}

function flatten(path: readonly string[], value: Json): Leaf[] {
  if (!isObject(value)) return [{ path, value }];
  const keys = Object.keys(value);
  if (keys.length === 0) return path.length === 0 ? [] : [{ path, value: {} }];
  return keys.flatMap((key) => flatten([...path, key], value[key] as Json));
}

function checkTwinContent(content: JsonObject): void {
  try {
    for (const [key, value] of Object.entries(content)) {
      const path = sectionPath(key);
      const section = path.length > 0 ? { value } : value;
      if (!isObject(section)) throw invalidConfigurationContent(`${key} is not an object.`);
      // Check each key separately first: its nesting is unbounded until then.
      checkValues(section, 'patch');
    }
    checkValues(objectOf(leavesOf(content), { keepsNulls: true }), 'patch');
  } catch (error) {
    throw error instanceof ServiceError ? invalidConfigurationContent(error.text) : error;
  }
}

function sectionPath(key: string): string[] {
  if (key === WHOLE_SECTION) return [];
  const path = key.startsWith(`${WHOLE_SECTION}.`) ? key.slice(WHOLE_SECTION.length + 1).split('.') : [''];
  if (path.includes('')) {
    throw invalidConfigurationContent(`${key} is neither ${WHOLE_SECTION} nor a path below it.`);
  }
  return path;
}
