// Turns documents into resources: checks kind and shape, and keeps the origin of each value.
import { APPROVE_ANNOTATION } from '../model/declared.ts';
import { diagnose, type Diagnostic, type Origin } from '../model/diagnostic.ts';
import { getKey, getPath, isObject, type Json, type JsonObject } from '../model/json.ts';
import { closest } from '../model/similarity.ts';
import type { Document, DocumentPath } from './document.ts';
import type { Resource } from './resource.ts';
import { checkShape } from './shape.ts';
import {
  API_VERSION,
  KINDS,
  type AgentProfileManifest,
  type DeviceGroupManifest,
  type HubManifest,
  type Kind,
  type SecurityConfigurationManifest,
  type SecurityExceptionManifest,
} from './schema.ts';

export interface Resources {
  readonly hubs: readonly Resource<HubManifest>[];
  readonly groups: readonly Resource<DeviceGroupManifest>[];
  readonly configurations: readonly Resource<SecurityConfigurationManifest>[];
  readonly exceptions: readonly Resource<SecurityExceptionManifest>[];
  readonly profiles: readonly Resource<AgentProfileManifest>[];
  /** `Kind/name` of malformed resources: referring to them is no further problem. */
  readonly misshapen: ReadonlySet<string>;
  /** Malformed resources with their known problems; their other parts are checked later. */
  readonly broken: readonly BrokenResource[];
}

export interface BrokenResource {
  /** The shape of its manifest is unchecked. */
  readonly resource: Resource<JsonObject>;
  readonly problems: readonly Diagnostic[];
}

export function toResources(
  documents: readonly Document[],
  diagnostics: Diagnostic[],
): { readonly all: readonly Resource[]; readonly byKind: Resources } {
  const broken: BrokenResource[] = [];
  const all = documents.flatMap((document) => readDocument(document, [], document.json, broken, diagnostics));
  const kept = withoutDuplicates(all, diagnostics);
  const of = <M>(kind: Kind): Resource<M>[] => kept.filter((resource) => resource.kind === kind) as Resource<M>[];
  return {
    all: kept,
    byKind: {
      hubs: of<HubManifest>('Hub'),
      groups: of<DeviceGroupManifest>('DeviceGroup'),
      configurations: of<SecurityConfigurationManifest>('SecurityConfiguration'),
      exceptions: of<SecurityExceptionManifest>('SecurityException'),
      profiles: of<AgentProfileManifest>('AgentProfile'),
      misshapen: new Set(broken.map(({ resource }) => resource.id)),
      broken,
    },
  };
}

function readDocument(
  document: Document,
  base: DocumentPath,
  json: Json,
  broken: BrokenResource[],
  diagnostics: Diagnostic[],
): Resource[] {
  const origin = document.originOf(base);
  if (!isObject(json)) {
    const message = 'A document must be a resource with apiVersion, kind, metadata and spec.';
    diagnostics.push(diagnose('TW1009', origin, message));
    return [];
  }
  const apiVersion = getKey(json, 'apiVersion');
  const kind = getKey(json, 'kind');
  if (typeof apiVersion === 'string' && apiVersion.startsWith('kustomize.config.k8s.io/')) return [];
  const items = getKey(json, 'items');
  if (apiVersion === 'v1' && kind === 'List' && Array.isArray(items)) {
    return items.flatMap((item, index) =>
      readDocument(document, [...base, 'items', String(index)], item, broken, diagnostics),
    );
  }
  const { meant, wrong } = readKind(apiVersion, kind);
  for (const { field, message, hint } of wrong) {
    diagnostics.push(diagnose('TW1101', document.originOf([...base, field]), message, { path: field, hint }));
  }
  if (meant === undefined) return [];
  // The intended kind is evident, so check the rest too; referring to the resource is no further problem.
  const manifest = wrong.length === 0 ? json : { ...json, apiVersion: API_VERSION, kind: meant };
  const resource = toResource(document, base, manifest, meant);
  const problems = checkShape(resource, manifest);
  diagnostics.push(...problems, ...findUnknownAnnotations(resource, manifest));
  if (problems.length === 0) return [resource];
  broken.push({ resource: resource as Resource<JsonObject>, problems });
  return [];
}

/** Unknown annotations of ours: ignored silently, an approval would seem to work. */
function findUnknownAnnotations(resource: Resource, json: JsonObject): Diagnostic[] {
  const annotations = getPath(json, ['metadata', 'annotations']);
  if (!isObject(annotations)) return [];
  return Object.keys(annotations)
    .filter((name) => name.startsWith(ANNOTATION_PREFIX) && !isKnownAnnotation(resource, name))
    .map((name) => {
      const message = `This version of Twinward does not know the annotation "${name}" and ignores it.`;
      return resource.problem('TW2106', ['metadata', 'annotations', name], message, 'Remove it.', 'key');
    });
}

const ANNOTATION_PREFIX = 'twinward.dev/';

function isKnownAnnotation({ kind }: Resource, name: string): boolean {
  return kind === 'Hub' && name === APPROVE_ANNOTATION;
}

interface WrongField {
  readonly field: 'kind' | 'apiVersion';
  readonly message: string;
  readonly hint: string;
}

/** The kind of a document, and the errors in naming it; `meant` is undefined if it is not evident. */
function readKind(
  apiVersion: Json | undefined,
  kind: Json | undefined,
): { readonly meant?: Kind; readonly wrong: readonly WrongField[] } {
  if (typeof kind !== 'string') {
    const hint = `Use one of: ${KINDS.join(', ')}.`;
    return { wrong: [{ field: 'kind', message: 'The document has no kind.', hint }] };
  }
  const isForeign = typeof apiVersion === 'string' && !/^twinward\b/i.test(apiVersion);
  const meant = sameKind(kind) ?? closestKind(kind) ?? (isForeign ? undefined : abbreviatedKind(kind));
  if (isForeign && meant === undefined) {
    const message = `${kind} of "${apiVersion}" is not a resource of Twinward.`;
    return { wrong: [{ field: 'apiVersion', message, hint: 'Keep documents of other tools out of the manifests.' }] };
  }
  const wrong: WrongField[] = [];
  if (apiVersion !== API_VERSION) {
    const message =
      typeof apiVersion === 'string'
        ? `"${apiVersion}" is not an apiVersion of Twinward.`
        : 'The document has no apiVersion.';
    wrong.push({ field: 'apiVersion', message, hint: `Write apiVersion: ${API_VERSION}.` });
  }
  if (kind !== meant) {
    const hint = meant === undefined ? `Use one of: ${KINDS.join(', ')}.` : `Did you mean "${meant}"?`;
    wrong.push({ field: 'kind', message: `"${kind}" is not a kind of Twinward.`, hint });
  }
  return meant === undefined ? { wrong } : { meant, wrong };
}

function sameKind(word: string): Kind | undefined {
  return KINDS.find((kind) => kind.toLowerCase() === word.toLowerCase());
}

function closestKind(word: string): Kind | undefined {
  const near = closest(word, KINDS);
  return KINDS.find((kind) => kind === near);
}

/** `SecurityConfig`, but not `Security`, which is a prefix of two. */
function abbreviatedKind(word: string): Kind | undefined {
  const [kind, ...others] = KINDS.filter((known) => known.toLowerCase().startsWith(word.toLowerCase()));
  return word === '' || others.length > 0 ? undefined : kind;
}

function toResource(document: Document, base: DocumentPath, json: JsonObject, kind: Kind): Resource {
  const metadata = getKey(json, 'metadata');
  const rawName = isObject(metadata) ? getKey(metadata, 'name') : undefined;
  const name = typeof rawName === 'string' ? rawName : '';
  const id = `${kind}/${name === '' ? '?' : name}`;
  const originOf = (path: DocumentPath, part?: 'key' | 'value'): Origin => document.originOf([...base, ...path], part);
  return {
    kind,
    name,
    id,
    manifest: json,
    folder: document.folder,
    get origin() {
      return originOf([]);
    },
    originOf,
    problem(code, path, message, hint, part) {
      return diagnose(code, originOf(path, part), message, { path: path.join('.'), resource: id, hint });
    },
  };
}

function withoutDuplicates(all: readonly Resource[], diagnostics: Diagnostic[]): Resource[] {
  const first = new Map<string, Resource>();
  return all.filter((resource) => {
    const other = first.get(resource.id);
    if (other === undefined) {
      first.set(resource.id, resource);
      return true;
    }
    const { file, line } = other.origin;
    const message = `${resource.id} is already declared at ${file}:${line}.`;
    diagnostics.push(resource.problem('TW1201', ['metadata', 'name'], message, 'Rename or remove one of them.'));
    return false;
  });
}
