// Client operations, in the classes that the hub throttles, meters and counts by.

export const OPERATION_CLASSES = [
  'identities',
  'queries',
  'twinReads',
  'twinUpdates',
  'jobs',
  'configurations',
  'statistics',
] as const;

export type OperationClass = (typeof OPERATION_CLASSES)[number];

/** One call of a client. */
export interface Operation {
  readonly class: OperationClass;
  readonly isWrite: boolean;
  /** Decoded, without a trailing slash: `/twins/d/modules/m`. */
  readonly path: string;
  readonly deviceId?: string | undefined;
  readonly moduleId?: string | undefined;
  /** Each entry of its body counts as an operation. */
  readonly isBulk?: boolean;
}

/** The segments are decoded. Undefined for paths that a real hub lacks, or does not throttle by these classes. */
export function operationOf(method: string, segments: readonly string[]): Operation | undefined {
  const parts = segments.at(-1) === '' ? segments.slice(0, -1) : segments;
  const path = `/${parts.join('/')}`;
  const isWrite = method !== 'GET';
  switch (parts[0]) {
    case 'statistics':
      return { class: 'statistics', isWrite: false, path };
    case 'configurations':
      return { class: 'configurations', isWrite, path };
    case 'jobs':
      return { class: 'jobs', isWrite, path };
    case 'devices':
      return deviceOperation(parts, { isWrite, path });
    case 'twins':
      return twinOperation(parts, { isWrite, path });
    default:
      return undefined;
  }
}

/** Name of the operation in a 429. RegistryRead and ConfigurationWrite were seen; the others are by analogy. */
export function typeOf(operation: Operation): string {
  const act = operation.isWrite ? 'Write' : 'Read';
  switch (operation.class) {
    case 'identities':
      return `Registry${act}`;
    case 'queries':
      return 'Query';
    case 'twinReads':
      return 'TwinRead';
    case 'twinUpdates':
      return 'TwinUpdate';
    case 'jobs':
      return `Job${act}`;
    case 'configurations':
      return `Configuration${act}`;
    case 'statistics':
      return 'Statistics';
  }
}

type Call = Pick<Operation, 'isWrite' | 'path'>;

function deviceOperation(parts: readonly string[], call: Call): Operation {
  const [, deviceId, kind, moduleId] = parts;
  if (deviceId === undefined) return { class: 'identities', ...call, isBulk: call.isWrite };
  if (deviceId === 'query' && call.isWrite && kind === undefined) return { class: 'queries', ...call, isWrite: false };
  if (kind === 'applyConfigurationContent') return { class: 'configurations', ...call, deviceId };
  return { class: 'identities', ...call, deviceId, moduleId };
}

function twinOperation(parts: readonly string[], call: Call): Operation | undefined {
  const [, deviceId, kind, moduleId, method] = parts;
  if (deviceId === undefined || kind === 'methods' || method !== undefined) return undefined;
  return { class: call.isWrite ? 'twinUpdates' : 'twinReads', ...call, deviceId, moduleId };
}
