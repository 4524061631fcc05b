// Which configurations each twin should have, and the values that they set together.
import { isTwinQuery, matches } from '../query/query.ts';
import type { AppliedConfiguration, HubRecord } from '../record.ts';
import type { HubState } from '../state.ts';
import { type ConfigurationRecord, configurationDigest } from './configuration.ts';
import { isLayered, type Leaf, leavesOf, modulesOfContent, Overlay } from './content.ts';
import { targetQuery } from './target-condition.ts';

/** The writer of a value, from its metadata. */
export interface Writer {
  readonly id: string;
  readonly digest: string;
}

export type WrittenLeaf = Leaf & { readonly owner: Writer };

/** The configurations and values of a twin. */
export interface Target {
  readonly overlay: Overlay<Writer>;
  readonly statuses: Readonly<Record<string, AppliedConfiguration>>;
}

/** The modules that deployments create on an edge device, and the agent's; undefined `base`: no deployment does. */
export interface EdgeTarget {
  readonly statuses: Readonly<Record<string, AppliedConfiguration>>;
  readonly base: ConfigurationRecord | undefined;
  readonly moduleIds: ReadonlySet<string>;
  readonly overlays: ReadonlyMap<string, Overlay<Writer>>;
}

/** The twins that a configuration targets; edge devices for a deployment. Must not be resumed after a write. */
export function* targetsOf(state: HubState, record: ConfigurationRecord): Generator<HubRecord, void, undefined> {
  const query = targetQuery(record.contentKind, record.targetCondition);
  if (query === undefined || !isTwinQuery(query)) return;
  for (const twin of matches(state, query, 0)) {
    if (record.contentKind === 'modulesContent' && !twin.iotEdge) continue;
    // Only deployments configure modules of the edge runtime.
    if (record.contentKind === 'moduleContent' && twin.moduleId?.startsWith('$') === true) continue;
    yield twin;
  }
}

/** By priority, then by creation: the last one wins. */
export function byPrecedence(a: ConfigurationRecord, b: ConfigurationRecord): number {
  return a.priority - b.priority || a.sequence - b.sequence;
}

export function writerOf(record: ConfigurationRecord): Writer {
  return { id: record.id, digest: configurationDigest(record) };
}

/** `records` by precedence. One that wins nowhere is Targeted, as docs say of deployments; else it is Applied. */
export function twinTarget(records: readonly ConfigurationRecord[]): Target {
  const overlay = new Overlay<Writer>();
  for (const record of records) for (const leaf of leavesOf(record.content)) overlay.put(leaf, writerOf(record));
  const winners = new Set(overlay.leaves().map(({ owner }) => owner.id));
  return { overlay, statuses: statusesOf(records, (record) => winners.has(record.id)) };
}

/** `records` by precedence. The last base deployment, with the layered ones above it. */
export function edgeTarget(records: readonly ConfigurationRecord[]): EdgeTarget {
  const base = records.findLast((record) => !isLayered(record.content));
  const isApplied = (record: ConfigurationRecord): boolean =>
    record === base || (isLayered(record.content) && (base === undefined || byPrecedence(record, base) > 0));
  const applied = records.filter((record) => isApplied(record));
  const overlays = new Map<string, Overlay<Writer>>();
  for (const record of applied) {
    for (const [moduleId, twin] of Object.entries(record.content)) {
      const overlay = overlays.get(moduleId) ?? new Overlay<Writer>();
      overlays.set(moduleId, overlay);
      for (const leaf of leavesOf(twin as ConfigurationRecord['content'])) overlay.put(leaf, writerOf(record));
    }
  }
  const moduleIds = new Set(applied.flatMap((record) => [...modulesOfContent(record.content)]));
  return { statuses: statusesOf(records, isApplied), base, moduleIds, overlays };
}

function statusesOf(
  records: readonly ConfigurationRecord[],
  isApplied: (record: ConfigurationRecord) => boolean,
): Record<string, AppliedConfiguration> {
  return Object.fromEntries(
    records.map((record): [string, AppliedConfiguration] => [
      record.id,
      { status: isApplied(record) ? 'Applied' : 'Targeted', digest: configurationDigest(record) },
    ]),
  );
}
