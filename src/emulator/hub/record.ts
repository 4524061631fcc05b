// An identity and its twin as the hub stores them. Records are immutable: a write creates a new one.
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

/** A configuration that targets a twin. `digest` identifies the applied state, in the hub's own form. */
export interface AppliedConfiguration {
  readonly status: 'Applied' | 'Targeted';
  readonly digest: string;
}

/** Plain JSON, so that journals and snapshots store records unchanged. Times are milliseconds; null means never. */
export interface HubRecord {
  readonly deviceId: string;
  readonly moduleId?: string;
  /** Position in the order of creation, devices and modules together: the order of lists and queries. */
  readonly sequence: number;
  readonly generationId: string;
  /** Decimal counter inside the identity's etag. */
  readonly identityEtag: number;
  readonly authentication: Authentication;
  /** Always enabled on modules, which have no status. */
  readonly status: 'enabled' | 'disabled';
  readonly statusReason: string | null;
  readonly statusUpdatedAt: number | null;
  readonly connected: boolean;
  readonly connectionUpdatedAt: number | null;
  readonly activeAt: number | null;
  /** The digital twin model of the last sign-in; absent if none named one. */
  readonly modelId?: string;
  readonly iotEdge: boolean;
  readonly managedBy: string | null;
  readonly deviceScope: string | null;
  readonly parentScopes: readonly string[] | null;
  /** Counter inside the twin's etag; counts writes to tags or desired. */
  readonly twinEtag: number;
  readonly tags: JsonObject;
  readonly desired: Section;
  readonly reported: Section;
  /** By id; absent on twins that no configuration targets. */
  readonly configurations?: Readonly<Record<string, AppliedConfiguration>>;
}

/** Ids contain no "/", so no two refs share a key. */
export function refKey(ref: IdentityRef): string {
  return ref.moduleId === undefined ? ref.deviceId : `${ref.deviceId}/${ref.moduleId}`;
}

/** The inverse of `refKey`. */
export function refFromKey(key: string): IdentityRef {
  const slash = key.indexOf('/');
  return slash === -1 ? { deviceId: key } : { deviceId: key.slice(0, slash), moduleId: key.slice(slash + 1) };
}

const ID_PATTERN = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/;

/** The id rule of both devices and modules. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}
