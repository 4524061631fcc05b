// A twin as clients get it: its root fields in the order of real dumps, for whole twins and for single fields in
// queries.
import { freezeJson, type Json, type JsonObject } from '../../../model/json.ts';
import { remembering } from '../../../model/lazy.ts';
import { identityEtag, twinEtag } from '../etag.ts';
import type { HubRecord } from '../record.ts';
import { isoTime } from '../times.ts';
import { wireSection } from './twin-document.ts';

/** Undefined if the twin lacks the field. */
type FieldReader = (record: HubRecord) => Json | undefined;

const FIELDS: readonly (readonly [name: string, read: FieldReader])[] = [
  ['deviceId', (record) => record.deviceId],
  ['moduleId', (record) => record.moduleId],
  ['etag', (record) => twinEtag(record.twinEtag)],
  ['deviceEtag', (record) => identityEtag(record.identityEtag)],
  ['status', (record) => record.status],
  ['statusReason', (record) => record.statusReason ?? undefined],
  ['statusUpdateTime', (record) => isoTime(record.statusUpdatedAt)],
  ['connectionState', connectionState],
  ['lastActivityTime', (record) => isoTime(record.activeAt)],
  ['cloudToDeviceMessageCount', () => 0],
  ['authenticationType', (record) => record.authentication.type],
  ['x509Thumbprint', thumbprints],
  ['modelId', (record) => record.modelId ?? ''],
  ['version', twinVersion],
  ['tags', (record) => (Object.keys(record.tags).length === 0 ? undefined : record.tags)],
  ['properties', (record) => ({ desired: wireSection(record.desired), reported: wireSection(record.reported) })],
  ['configurations', wireConfigurations],
  ['capabilities', (record) => (record.moduleId === undefined ? { iotEdge: record.iotEdge } : undefined)],
  ['deviceScope', (record) => record.deviceScope ?? undefined],
  ['parentScopes', (record) => (record.parentScopes === null ? undefined : [...record.parentScopes])],
];

const READERS = new Map(FIELDS);

/** Fields that real twins may have and these never have: queries may name them, with undefined values. */
const ABSENT_FIELDS = ['attributes'];

const NAMES = new Map([...READERS.keys(), ...ABSENT_FIELDS].map((name) => [name.toLowerCase(), name]));

/** The exact spelling of a root field, which queries may write in any case; undefined if there is none. */
export function rootFieldName(name: string): string | undefined {
  return NAMES.get(name.toLowerCase());
}

/** The sum of etag and report counter in every known dump; documented nowhere. */
export function twinVersion({ twinEtag: etag, reported }: HubRecord): number {
  return etag + reported.version;
}

/** `name` in its exact spelling. The value shares its parts with the record: do not change it. */
export function readRootField(record: HubRecord, name: string): Json | undefined {
  return READERS.get(name)?.(record);
}

/**
 * The whole twin, frozen. Shares its parts with the record. Cached, because most are shown repeatedly between changes.
 */
export const wireTwin: (record: HubRecord) => JsonObject = remembering(256, (record: HubRecord) =>
  freezeJson(makeTwin(record)),
);

function makeTwin(record: HubRecord): JsonObject {
  const twin: JsonObject = {};
  for (const [name, read] of FIELDS) {
    const value = read(record);
    if (value !== undefined) twin[name] = value;
  }
  return twin;
}

export function connectionState(record: HubRecord): 'Connected' | 'Disconnected' {
  return record.connected ? 'Connected' : 'Disconnected';
}

function wireConfigurations({ configurations }: HubRecord): JsonObject | undefined {
  if (configurations === undefined) return undefined;
  return Object.fromEntries(Object.entries(configurations).map(([id, { status }]) => [id, { status }]));
}

export function thumbprints({ authentication }: HubRecord): JsonObject {
  const isSelfSigned = authentication.type === 'selfSigned';
  return {
    primaryThumbprint: isSelfSigned ? authentication.primaryThumbprint : null,
    secondaryThumbprint: isSelfSigned ? authentication.secondaryThumbprint : null,
  };
}
