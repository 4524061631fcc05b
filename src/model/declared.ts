// What git asks for, compiled: immutable, references resolved, defaults filled in. Made by manifest/, read by plan/.
import type { Origin } from './diagnostic.ts';
import type { JsonObject } from './json.ts';
import type { ConfigurationOwner, ExceptionOwner } from './owner.ts';
import type { Atom, Profile } from './profile.ts';
import type { Selector } from './selector.ts';

/** Least writing wins where several apply. */
export type Mode = 'Enforce' | 'Observe';
export type DeletionPolicy = 'Retain' | 'Remove';
export type WhenMissing = 'Wait' | 'Skip' | 'Create';

export type Authentication =
  | { readonly type: 'Entra' }
  | { readonly type: 'ConnectionString'; readonly secret: SecretRef | undefined };

/** Where a secret is, never the secret. Files are absolute or relative to the working directory. */
export type SecretRef = { readonly env: string } | { readonly file: string };

/** Tier (`F1`, `S1`...) and units, from which the hub's throttles and quotas follow. */
export interface Capacity {
  readonly tier: string;
  readonly units: number;
}

export interface DeclaredHub {
  readonly name: string;
  readonly origin: Origin | undefined;
  /** `acme-prod.azure-devices.net`; undefined only for the implicit hub of a folder without a Hub. */
  readonly hostName: string | undefined;
  /** Another address for the same hub: an https URL with a port. */
  readonly endpoint: string | undefined;
  readonly caFile: string | undefined;
  readonly authentication: Authentication | undefined;
  /** The connection string of the endpoint that tells of changes; undefined where only passes find them. */
  readonly events: SecretRef | undefined;
  readonly capacity: Capacity | undefined;
  /** Shares in 0..1 of what the tier allows. */
  readonly budget: { readonly throttle: number; readonly dailyMessages: number };
  /** Undefined: Observe, unless the hub is on loopback. */
  readonly mode: Mode | undefined;
  /** How much may happen at once without a person's word. */
  readonly guards: DeclaredGuards;
  /** A person's word for one refused set of changes. */
  readonly approval: Approval | undefined;
}

/** At most so many twins, or at most this share of the hub's devices, rounded up. */
export type Limit = { readonly count: number } | { readonly share: number };

/** Undefined: no limit. */
export interface DeclaredGuards {
  readonly maxChanged: Limit | undefined;
  readonly maxRemoved: Limit | undefined;
  readonly maxUnassigned: Limit | undefined;
  readonly maxCreated: Limit | undefined;
}

/** On a Hub: a person's word for one set of changes that the guards refuse. */
export const APPROVE_ANNOTATION = 'twinward.dev/approve';

export interface Approval {
  /** Of the refused changes, by what is changed and not where. */
  readonly fingerprint: string;
  /** Twins they may reach. */
  readonly count: number;
}

export interface DeclaredGroup {
  readonly name: string;
  readonly origin: Origin;
  readonly labels: Readonly<Record<string, string>>;
  readonly hubs: readonly string[];
  readonly selector: Selector;
  readonly mode: Mode;
}

/** One way into a configuration: a device on one of `hubs` that the selector takes. */
export interface ConfigurationTarget {
  /** The group's name; undefined for an inline selector. */
  readonly group: string | undefined;
  readonly hubs: readonly string[];
  readonly selector: Selector;
  /** The cap the group puts on its members; Enforce for inline selectors. */
  readonly mode: Mode;
}

export interface DeclaredConfiguration {
  readonly name: string;
  /** The key of its entry in the record on a twin. */
  readonly owner: ConfigurationOwner | ExceptionOwner;
  readonly origin: Origin;
  readonly targets: readonly ConfigurationTarget[];
  readonly profile: Profile;
  readonly priority: number;
  /** Plain, as written. */
  readonly settings: JsonObject;
  /** Settings encoded as the profile says, sorted by name. */
  readonly atoms: readonly Atom[];
  /** Where each atom's value is written. */
  readonly atomOrigins: Pick<ReadonlyMap<string, Origin>, 'get' | 'has'>;
  /** Atom names that lower layers must not set and that this one keeps absent, sorted. */
  readonly unset: readonly string[];
  readonly mode: Mode;
  readonly suspend: boolean;
  readonly deletionPolicy: DeletionPolicy;
  readonly whenMissing: WhenMissing;
  /** Digest of profile, settings, policies and unset: the unit of rollout and refusal. */
  readonly digest: string;
}

/** A configuration above all others, for a while: it has `EXCEPTION_PRIORITY`, one inline target and nothing unset. */
export interface DeclaredException extends DeclaredConfiguration {
  readonly owner: ExceptionOwner;
  /** With more devices selected on a hub it is held there; undefined: no limit. */
  readonly maxDevices: number | undefined;
  /** The people who answer for it. */
  readonly ownerText: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** Above every priority that a configuration can have. */
export const EXCEPTION_PRIORITY = 1_000_001;

export function isException(layer: DeclaredConfiguration): layer is DeclaredException {
  return 'expiresAtMs' in layer;
}

export interface Declared {
  /** Commit, or digest of the files: `sha256:9b1c2d3e4f50`. */
  readonly revision: string;
  /** True where only a part of the source was given: owners that are not in it are not ours to judge. */
  readonly partial: boolean;
  /** At least one. */
  readonly hubs: readonly DeclaredHub[];
  readonly groups: readonly DeclaredGroup[];
  /** Sorted by name. */
  readonly configurations: readonly DeclaredConfiguration[];
  /** Those that count now, sorted by name. */
  readonly exceptions: readonly DeclaredException[];
  /** Those whose time is over: what they changed is put back. */
  readonly expired: readonly DeclaredException[];
  /** Built-in ones and the source's own, by name. */
  readonly profiles: ReadonlyMap<string, Profile>;
}
