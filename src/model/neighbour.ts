// Who else writes to module twins on the same hub: IoT Hub's own automatic configurations and edge deployments.
import { isObject, type JsonObject } from './json.ts';

/** What the registry says of a module and its twin does not. */
export interface ModuleIdentity {
  /** Who manages it: `iotEdge` for modules of an edge deployment; undefined for nobody. */
  readonly managedBy: string | undefined;
  /** Another one after the module was deleted and created again. */
  readonly generationId: string;
}

/** An automatic configuration or an edge deployment, as far as module twins are concerned. */
export interface AutomaticConfiguration {
  readonly id: string;
  /** Higher wins among automatic configurations; it means nothing to other writers. */
  readonly priority: number;
  readonly targetCondition: string;
  /** Every place it sets or removes. */
  readonly writes: readonly AutomaticWrite[];
}

export interface AutomaticWrite {
  /** Undefined: of whatever module twin the target condition takes. */
  readonly moduleId: string | undefined;
  /** Keys from `properties.desired`; empty: all of it. */
  readonly path: readonly string[];
}

const SECTION = 'properties.desired';

export function asModuleIdentity(value: unknown): ModuleIdentity | undefined {
  if (!isObject(value) || typeof value['generationId'] !== 'string') return undefined;
  const managedBy = value['managedBy'] ?? '';
  if (typeof managedBy !== 'string') return undefined;
  return { managedBy: managedBy === '' ? undefined : managedBy, generationId: value['generationId'] };
}

/** The two spellings that were seen differ in case. */
export function isManagedByEdge({ managedBy }: Pick<ModuleIdentity, 'managedBy'>): boolean {
  return managedBy?.toLowerCase() === 'iotedge';
}

/** The value as an automatic configuration, or undefined where it lacks what every one has. */
export function asAutomaticConfiguration(value: unknown): AutomaticConfiguration | undefined {
  if (!isObject(value)) return undefined;
  const { id, priority = 0, targetCondition = '', content } = value;
  if (typeof id !== 'string' || typeof priority !== 'number' || typeof targetCondition !== 'string') return undefined;
  return { id, priority, targetCondition, writes: isObject(content) ? writesOf(content) : [] };
}

function writesOf({ moduleContent, modulesContent }: JsonObject): AutomaticWrite[] {
  const writes: AutomaticWrite[] = [];
  if (isObject(moduleContent)) {
    for (const path of pathsOf(moduleContent)) writes.push({ moduleId: undefined, path });
  }
  for (const [moduleId, content] of Object.entries(isObject(modulesContent) ? modulesContent : {})) {
    if (!isObject(content)) continue;
    // A deployment that gives the whole section replaces it, whatever it names.
    const paths = Object.hasOwn(content, SECTION) ? [[]] : pathsOf(content);
    for (const path of paths) writes.push({ moduleId, path });
  }
  return writes;
}

/** Of `properties.desired.a.b: {c: 1}` the place `a/b/c`. */
function pathsOf(content: JsonObject): string[][] {
  return Object.keys(content).flatMap((key) => {
    if (key !== SECTION && !key.startsWith(`${SECTION}.`)) return [];
    return leaves(content[key], key.split('.').slice(2));
  });
}

function leaves(value: unknown, path: readonly string[]): string[][] {
  const keys = isObject(value) ? Object.keys(value) : [];
  if (!isObject(value) || keys.length === 0) return [[...path]];
  return keys.flatMap((key) => leaves(value[key], [...path, key]));
}
