// What the hub stores for one identity and its twin. Records are immutable: a write makes a new one.
import type { JsonObject } from '../../model/json.ts';
import type { Section } from './twins/twin-document.ts';

/** A device, or one module of it. */
export interface IdentityRef {
  readonly deviceId: string;
  readonly moduleId?: string | undefined;
}

export type Authentication =
  | { readonly type: 'sas'; readonly primaryKey: string; readonly secondaryKey: string }
  | {
      readonly type: 'selfSigned';
      readonly primaryThumbprint: string | null;
      readonly secondaryThumbprint: string | null;
    }
  | { readonly type: 'certificateAuthority' | 'none' };

/** What a configuration is to a twin it targets. The digest is that of the state which was applied, and the hub's own. */
export interface AppliedConfiguration {
  readonly status: 'Applied' | 'Targeted';
  readonly digest: string;
}

/** JSON as it is, so that journals and snapshots hold records unchanged. Times are milliseconds; null is never. */
export interface HubRecord {
  readonly deviceId: string;
  readonly moduleId?: string;
  /** Place in the order of creation, devices and modules together: the order of lists and queries. */
  readonly sequence: number;
  readonly generationId: string;
  /** Decimal counter inside the identity's etag. */
  readonly identityEtag: number;
  readonly authentication: Authentication;
  /** Always enabled on modules: they have no status of their own. */
  readonly status: 'enabled' | 'disabled';
  readonly statusReason: string | null;
  readonly statusUpdatedAt: number | null;
  readonly connected: boolean;
  readonly connectionUpdatedAt: number | null;
  readonly activeAt: number | null;
  /** The digital twin model that the last sign-in named; absent where none ever did. */
  readonly modelId?: string;
  readonly iotEdge: boolean;
  readonly managedBy: string | null;
  readonly deviceScope: string | null;
  readonly parentScopes: readonly string[] | null;
  /** Counter inside the twin's etag: writes to tags or desired. */
  readonly twinEtag: number;
  readonly tags: JsonObject;
  readonly desired: Section;
  readonly reported: Section;
  /** By id; absent on twins that no configuration targets. */
  readonly configurations?: Readonly<Record<string, AppliedConfiguration>>;
}

/** Ids hold no "/", so no two refs share a key. */
export function refKey(ref: IdentityRef): string {
  return ref.moduleId === undefined ? ref.deviceId : `${ref.deviceId}/${ref.moduleId}`;
}

/** What `refKey` made the key of. */
export function refFromKey(key: string): IdentityRef {
  const slash = key.indexOf('/');
  return slash === -1 ? { deviceId: key } : { deviceId: key.slice(0, slash), moduleId: key.slice(slash + 1) };
}

const ID_PATTERN = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/;

/** The id rule of devices and modules alike. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}
