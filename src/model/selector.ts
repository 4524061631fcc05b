// Which devices a group or a configuration selects: a conjunction of conditions on device facts, evaluated by Twinward.
import type { Origin } from './diagnostic.ts';
import type { Json } from './json.ts';

/** Values of device-twin tags are compared by JSON type: "0" is not 0. */
export type Scalar = string | number | boolean;

export function isScalar(value: Json | undefined): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The fact that a requirement tests. `tag` paths are keys inside the device twin's tags. */
export type FactKey =
  | { readonly kind: 'tag'; readonly path: readonly string[] }
  | { readonly kind: 'deviceId' }
  | { readonly kind: 'status' }
  | { readonly kind: 'iotEdge' };

/** Kubernetes meaning: NotIn and DoesNotExist also hold where the key is absent. */
export type Requirement =
  | { readonly key: FactKey; readonly operator: 'In' | 'NotIn'; readonly values: readonly Scalar[] }
  | { readonly key: FactKey; readonly operator: 'Exists' | 'DoesNotExist' };

/**
 * All requirements hold and, if `deviceIds` is given, it contains the device. No requirement at all matches every
 * device.
 */
export interface Selector {
  readonly requirements: readonly Requirement[];
  readonly deviceIds?: ReadonlySet<string>;
  /**
   * Origin of the selector, of a requirement or of one of its values; computed on demand. Only selectors of manifests
   * have it.
   */
  readonly originOf?: (requirement?: Requirement, value?: Scalar) => Origin;
}
