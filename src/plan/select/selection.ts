// Which configurations select a device. One pass over the devices; devices that no selector distinguishes share one answer.
import type { ConfigurationTarget, Declared, DeclaredConfiguration, DeclaredGroup } from '../../model/declared.ts';
import { getPath, type Json } from '../../model/json.ts';
import { isScalar, type FactKey, type Requirement, type Selector } from '../../model/selector.ts';
import type { Suspension } from '../../model/suspension.ts';
import { isTagless, type DeviceFacts } from '../../model/twin.ts';
import { NO_SUSPENSIONS, type Suspensions } from './suspensions.ts';

/** One configuration, or exception, that selects a device. */
export interface Selected {
  readonly configuration: DeclaredConfiguration;
  /** The group through which it selects the device, or undefined for an inline selector. */
  readonly group: string | undefined;
  /** Of the group, or its own. */
  readonly selector: Selector;
}

/** What is declared for one kind of device. The same object for all devices that no selector distinguishes. */
export interface Selection {
  /** Unique within one planner. */
  readonly id: number;
  /** In the order of the configurations' names, then in that of the exceptions'. */
  readonly selected: readonly Selected[];
  /** True where the device carries no tag at all: they may have been wiped. */
  readonly tagless: boolean;
  /** A group that holds the device and is only observed, so that nothing on it is written. */
  readonly cappedBy: string | undefined;
  /** Why nothing at all is written to the device now, by a person's word. */
  readonly suspension: Suspension | undefined;
}

export interface SelectionIndex {
  readonly moduleIds: readonly string[];
  /** Places inside the tags of a device that some selector reads. Whether there is any tag at all counts as well. */
  readonly tagPaths: readonly (readonly string[])[];
  select(device: DeviceFacts): Selection;
}

export function createSelection(
  declared: Declared,
  hubName: string,
  suspensions: Suspensions = NO_SUSPENSIONS,
): SelectionIndex {
  const configurations = [...declared.configurations, ...declared.exceptions]
    .map((configuration) => ({ configuration, targets: configuration.targets.filter(onHub(hubName)) }))
    .filter(({ targets }) => targets.length > 0);
  const observedGroups = declared.groups.filter((group) => group.mode === 'Observe' && onHub(hubName)(group));
  const selectors = [
    ...configurations.flatMap(({ targets }) => targets.map((target) => target.selector)),
    ...observedGroups.map((group) => group.selector),
    { requirements: [], deviceIds: suspensions.deviceIds },
  ];
  const keys = keysOf(selectors);
  const branchOf = createTree(selectors, keys);
  let count = 0;

  function evaluate(device: DeviceFacts): Selection {
    const cappedBy = observedGroups.find((group) => matches(group.selector, device))?.name;
    const selected: Selected[] = [];
    for (const { configuration, targets } of configurations) {
      const way = targets.find((target) => matches(target.selector, device));
      if (way !== undefined) selected.push({ configuration, group: way.group, selector: way.selector });
    }
    count += 1;
    const suspension = suspensions.ofDevice(device.deviceId);
    return { id: count, selected, tagless: isTagless(device), cappedBy, suspension };
  }

  return {
    moduleIds: [...new Set(configurations.map(({ configuration }) => configuration.profile.moduleId))].toSorted(),
    tagPaths: keys.flatMap((key) => (key.kind === 'tag' ? [key.path] : [])),
    select(device) {
      const branch = branchOf(device);
      branch.selection ??= evaluate(device);
      return branch.selection;
    },
  };
}

/** True where the selector matches the device: Kubernetes meaning, values compared by JSON type. */
export function matches(selector: Selector, device: DeviceFacts): boolean {
  if (selector.deviceIds !== undefined && !selector.deviceIds.has(device.deviceId)) return false;
  return selector.requirements.every((requirement) => holds(requirement, device));
}

/** The first requirement the device fails, for explanations; undefined where it fails none. */
export function failingRequirement(selector: Selector, device: DeviceFacts): Requirement | 'deviceIds' | undefined {
  if (selector.deviceIds !== undefined && !selector.deviceIds.has(device.deviceId)) return 'deviceIds';
  return selector.requirements.find((requirement) => !holds(requirement, device));
}

export function factOf(key: FactKey, device: DeviceFacts): Json | undefined {
  switch (key.kind) {
    case 'tag':
      return getPath(device.tags, key.path);
    case 'deviceId':
      return device.deviceId;
    case 'status':
      return device.status;
    case 'iotEdge':
      return device.iotEdge;
  }
}

function holds(requirement: Requirement, device: DeviceFacts): boolean {
  const fact = factOf(requirement.key, device);
  switch (requirement.operator) {
    case 'Exists':
      return fact !== undefined;
    case 'DoesNotExist':
      return fact === undefined;
    case 'In':
      return isScalar(fact) && requirement.values.includes(fact);
    case 'NotIn':
      return !(isScalar(fact) && requirement.values.includes(fact));
  }
}

function onHub(name: string): (item: ConfigurationTarget | DeclaredGroup) => boolean {
  return (item) => item.hubs.includes(name);
}

/** A choice among devices by one fact; a selection where no fact is left to distinguish by. */
interface Branch {
  readonly branches: Map<Json | undefined, Branch>;
  selection: Selection | undefined;
}

/**
 * Two devices end at the same branch exactly where no selector distinguishes them, by the facts that selectors read
 * and by the device id only where some selector names it. Walked once for each twin of a fleet: it makes no text.
 */
function createTree(selectors: readonly Selector[], facts: readonly FactKey[]): (device: DeviceFacts) => Branch {
  const namedIds = new Set<string>();
  for (const selector of selectors) {
    for (const id of selector.deviceIds ?? []) namedIds.add(id);
    for (const requirement of selector.requirements) {
      if (requirement.key.kind !== 'deviceId' || !('values' in requirement)) continue;
      for (const value of requirement.values) namedIds.add(String(value));
    }
  }
  const root = createBranch();
  return (device) => {
    let branch = follow(root, isTagless(device));
    branch = follow(branch, namedIds.has(device.deviceId) ? device.deviceId : undefined);
    for (const key of facts) {
      const fact = factOf(key, device);
      // To selectors all values but scalars are one: something that is there.
      branch = follow(branch, fact === undefined || isScalar(fact) ? fact : null);
    }
    return branch;
  };
}

/** Facts but the device id that selectors read, once each. */
function keysOf(selectors: readonly Selector[]): readonly FactKey[] {
  const keys = new Map<string, FactKey>();
  for (const { requirements } of selectors) {
    for (const { key } of requirements) if (key.kind !== 'deviceId') keys.set(JSON.stringify(key), key);
  }
  return [...keys.values()];
}

function follow(branch: Branch, fact: Json | undefined): Branch {
  let next = branch.branches.get(fact);
  if (next === undefined) {
    next = createBranch();
    branch.branches.set(fact, next);
  }
  return next;
}

function createBranch(): Branch {
  return { branches: new Map(), selection: undefined };
}
