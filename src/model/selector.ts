// Which devices a group or a configuration means: a conjunction over facts of the device, evaluated by us.
import type { Origin } from './diagnostic.ts';
import type { Json } from './json.ts';

/** Values of device-twin tags are compared by JSON type: "0" is not 0. */
export type Scalar = string | number | boolean;

export function isScalar(value: Json | undefined): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** What a requirement looks at. `tag` paths are keys inside the device twin's tags. */
export type FactKey =
  | { readonly kind: 'tag'; readonly path: readonly string[] }
  | { readonly kind: 'deviceId' }
  | { readonly kind: 'status' }
  | { readonly kind: 'iotEdge' };

/** Kubernetes meaning: NotIn and DoesNotExist also hold where the key is absent. */
export type Requirement =
  | { readonly key: FactKey; readonly operator: 'In' | 'NotIn'; readonly values: readonly Scalar[] }
  | { readonly key: FactKey; readonly operator: 'Exists' | 'DoesNotExist' };

/** All requirements hold and, where `deviceIds` is given, the device is in it. No requirement at all means every device. */
export interface Selector {
  readonly requirements: readonly Requirement[];
  readonly deviceIds?: ReadonlySet<string>;
  /** Where it is written, or one requirement of it, or one of that one's values; looked up when asked. Manifests alone have it. */
  readonly originOf?: (requirement?: Requirement, value?: Scalar) => Origin;
}
