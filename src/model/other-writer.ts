// Other writers to module twins on the same hub: IoT Hub's own automatic configurations and edge deployments.
import { isObject, type JsonObject } from './json.ts';

/** Facts of the registry that the twin lacks. */
export interface ModuleIdentity {
  /** Manager of the module: `iotEdge` for modules of an edge deployment; undefined: none. */
  readonly managedBy: string | undefined;
  /** Changes when the module is deleted and recreated. */
  readonly generationId: string;
}

/** An automatic configuration or an edge deployment: its writes to module twins. */
export interface AutomaticConfiguration {
  readonly id: string;
  /** Higher wins among automatic configurations only. */
  readonly priority: number;
  readonly targetCondition: string;
  /** Every path that it sets or removes. */
  readonly writes: readonly AutomaticWrite[];
}

export interface AutomaticWrite {
  /** Undefined: every module twin that the target condition matches. */
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

/** Both spellings were seen. */
export function isManagedByEdge({ managedBy }: Pick<ModuleIdentity, 'managedBy'>): boolean {
  return managedBy?.toLowerCase() === 'iotedge';
}

/** Undefined if the value lacks a required field. */
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
    // A deployment that gives the whole section replaces it, whatever keys it names.
    const paths = Object.hasOwn(content, SECTION) ? [[]] : pathsOf(content);
    for (const path of paths) writes.push({ moduleId, path });
  }
  return writes;
}

/** For `properties.desired.a.b: {c: 1}` the path `a/b/c`. */
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
