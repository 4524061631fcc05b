// The description of one kind of security agent, as data. `profile/` gives it behaviour.
import type { Origin } from './diagnostic.ts';
import type { Json, JsonObject } from './json.ts';

/** The form of a setting inside the twin. */
export type Encoding =
  | 'Plain' // as written
  | 'ValueWrapper' // {"value": setting}
  | 'PnpComponent'; // inside a component object marked "__t": "c"

/**
 * How the agent reads a desired patch. `leaf`: as a change of the keys it names. `section`: as the whole configuration,
 * so that a missing key falls back to its default in the running agent.
 */
export type PatchGranularity = 'leaf' | 'section';

/** The unit of ownership and removal: a member of the settings, or every leaf below it. */
export type OwnershipAtom = 'Setting' | 'Leaf';

export type Comparator = 'exact' | 'duration' | 'caseInsensitive' | 'csvSet' | 'csvOrdered';

export type RuleSeverity = 'error' | 'warning';

/**
 * Rules between fields of the merged settings; absent keys count with their default, and a rule without a value to
 * check holds.
 */
export type Rule = { readonly severity: RuleSeverity; readonly message: string } & (
  | { readonly type: 'MultipleOf'; readonly key: string; readonly divisor: number }
  | {
      readonly type: 'NotGreater';
      readonly lesser: string;
      readonly greater: string;
      readonly as: 'number' | 'duration';
    }
  | { readonly type: 'RequiredWhen'; readonly key: string; readonly equals: Json; readonly required: readonly string[] }
  | { readonly type: 'AscendingCsv'; readonly key: string; readonly multiples: boolean }
);

export type AcknowledgementType = 'None' | 'Mirror' | 'LatestState' | 'Pnp';

export interface Profile {
  readonly name: string;
  /** Undefined for profiles shipped with Twinward. */
  readonly origin: Origin | undefined;
  readonly moduleId: string;
  /** Keys from `properties.desired` to the settings; empty for the root. */
  readonly section: readonly string[];
  readonly encoding: Encoding;
  readonly patchGranularity: PatchGranularity;
  readonly ownershipAtom: OwnershipAtom;
  /** Members that an object with our atoms must carry, such as {"__t": "c"}. Sent, never owned. */
  readonly envelope: JsonObject | undefined;
  readonly onRemove: 'Null' | 'Keep';
  /** JSON Schema 2020-12 of the plain settings. */
  readonly schema: JsonObject;
  /** The first match wins; in setting names `*` stands for any text. */
  readonly comparators: readonly { readonly keys: readonly string[]; readonly comparator: Comparator }[];
  readonly rules: readonly Rule[];
  /** The agent's plain values for absent keys. */
  readonly defaults: JsonObject;
  /** Setting-name patterns: never printed. */
  readonly sensitive: readonly string[];
  /** Setting-name patterns: can't be declared, always preserved. */
  readonly deny: readonly string[];
  /** Setting-name patterns: never removed by Twinward, even if owned. */
  readonly preserve: readonly string[];
  readonly nudge: boolean;
  readonly acknowledgement: { readonly type: AcknowledgementType };
  /** ISO date (YYYY-MM-DD) after which the vendor no longer supports the agent. */
  readonly endOfSupport: string | undefined;
}

/** When to write a setting: always, only if absent, never. */
export type SettingPolicy = 'Override' | 'IfNotPresent' | 'Ignore';

/**
 * The unit of ownership: one declared setting, encoded. `name` is its path below the section, segments escaped as in
 * RFC 6901 and joined by "/", so that section and name give the path.
 */
export interface Atom {
  readonly name: string;
  /** Keys from `properties.desired`. */
  readonly path: readonly string[];
  /** As written to the twin. */
  readonly value: Json;
  /** As written in the manifest. */
  readonly plain: Json;
  readonly comparator: Comparator;
  /** True if `value` is {"value": plain}: other members of the live wrapper are foreign. */
  readonly wrapped: boolean;
  readonly sensitive: boolean;
  readonly policy: SettingPolicy;
}
