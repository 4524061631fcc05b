// The declared state, compiled from manifests: immutable, references resolved, defaults filled in. Made by manifest/,
// read by plan/.
import type { Origin } from './diagnostic.ts';
import type { JsonObject } from './json.ts';
import type { ConfigurationOwner, ExceptionOwner } from './owner.ts';
import type { Atom, Profile } from './profile.ts';
import type { Selector } from './selector.ts';

/** If several apply, Observe wins. */
export type Mode = 'Enforce' | 'Observe';
export type DeletionPolicy = 'Retain' | 'Remove';
export type WhenMissing = 'Wait' | 'Skip' | 'Create';

export type Authentication =
  | { readonly type: 'Entra' }
  | { readonly type: 'ConnectionString'; readonly secret: SecretRef | undefined };

/** The place of a secret, never the secret. Files are absolute or relative to the working directory. */
export type SecretRef = { readonly env: string } | { readonly file: string };

/** Tier (`F1`, `S1`...) and units, which determine the hub's throttles and quotas. */
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
  /** Connection string of the endpoint of change events; undefined: only passes find changes. */
  readonly events: SecretRef | undefined;
  readonly capacity: Capacity | undefined;
  /** Shares (0..1) of the tier's limits. */
  readonly budget: { readonly throttle: number; readonly dailyMessages: number };
  /** Undefined: Observe, unless the hub is on loopback. */
  readonly mode: Mode | undefined;
  /** Limits on changes that need no approval. */
  readonly guards: DeclaredGuards;
  /** Approval of one refused set of changes. */
  readonly approval: Approval | undefined;
}

/** A number of twins, or a share of the hub's devices, rounded up. */
export type Limit = { readonly count: number } | { readonly share: number };

/** Undefined: no limit. */
export interface DeclaredGuards {
  readonly maxChanged: Limit | undefined;
  readonly maxRemoved: Limit | undefined;
  readonly maxUnassigned: Limit | undefined;
  readonly maxCreated: Limit | undefined;
}

/** Annotation of a Hub: approves one set of changes that the guards refuse. */
export const APPROVE_ANNOTATION = 'twinward.dev/approve';

export interface Approval {
  /** Of the refused changes: covers the values, not the twins. */
  readonly fingerprint: string;
  /** Most twins that they may reach. */
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

/** One way into a configuration: the devices on `hubs` that the selector matches. */
export interface ConfigurationTarget {
  /** The group's name; undefined for an inline selector. */
  readonly group: string | undefined;
  readonly hubs: readonly string[];
  readonly selector: Selector;
  /** The group's cap on its members; Enforce for inline selectors. */
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
  /** Settings encoded by the profile, sorted by name. */
  readonly atoms: readonly Atom[];
  /** Where each atom's value is written. */
  readonly atomOrigins: Pick<ReadonlyMap<string, Origin>, 'get' | 'has'>;
  /** Names of atoms to keep absent, against lower layers, sorted. */
  readonly unset: readonly string[];
  readonly mode: Mode;
  readonly suspend: boolean;
  readonly deletionPolicy: DeletionPolicy;
  readonly whenMissing: WhenMissing;
  /** Digest of profile, settings, policies and unset: the unit of rollout and refusal. */
  readonly digest: string;
}

/** A layer above all configurations until it expires: it has `EXCEPTION_PRIORITY`, one inline target and no `unset`. */
export interface DeclaredException extends DeclaredConfiguration {
  readonly owner: ExceptionOwner;
  /** If it selects more devices on a hub, it is held there; undefined: no limit. */
  readonly maxDevices: number | undefined;
  /** The responsible people. */
  readonly ownerText: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** Above the highest priority of a configuration. */
export const EXCEPTION_PRIORITY = 1_000_001;

export function isException(layer: DeclaredConfiguration): layer is DeclaredException {
  return 'expiresAtMs' in layer;
}

export interface Declared {
  /** Commit, or digest of the files: `sha256:9b1c2d3e4f50`. */
  readonly revision: string;
  /** True if the input may be only a part of the source: owners outside it must not be judged removed. */
  readonly partial: boolean;
  /** At least one. */
  readonly hubs: readonly DeclaredHub[];
  readonly groups: readonly DeclaredGroup[];
  /** Sorted by name. */
  readonly configurations: readonly DeclaredConfiguration[];
  /** Active ones, sorted by name. */
  readonly exceptions: readonly DeclaredException[];
  /** Ended ones, whose changes are undone. */
  readonly expired: readonly DeclaredException[];
  /** Built-in ones and those of the source, by name. */
  readonly profiles: ReadonlyMap<string, Profile>;
}
