// What only a fleet shows of selectors: values of another type than devices have, and selectors that match no device.
import type { Declared } from '../../model/declared.ts';
import { compareDiagnostics, diagnose, type Diagnostic, type Origin } from '../../model/diagnostic.ts';
import type { Requirement, Scalar, Selector } from '../../model/selector.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import { factOf, matches } from './selection.ts';

interface NamedSelector {
  /** `DeviceGroup/atms`; of an inline selector, who has it. */
  readonly resource: string;
  readonly origin: Origin;
  readonly selector: Selector;
}

/** Sorted by place. Of a hub without any device there is nothing to say. */
export function lintSelectors(declared: Declared, hubName: string, devices: readonly DeviceFacts[]): Diagnostic[] {
  if (devices.length === 0) return [];
  return namedSelectors(declared, hubName)
    .flatMap((named) => {
      const mistyped = findMistyped(named, hubName, devices);
      const isNone = mistyped.length === 0 && !devices.some((device) => matches(named.selector, device));
      return isNone ? [noDevice(named, hubName)] : mistyped;
    })
    .toSorted(compareDiagnostics);
}

function namedSelectors({ groups, configurations, exceptions }: Declared, hubName: string): NamedSelector[] {
  const isHere = ({ hubs }: { readonly hubs: readonly string[] }): boolean => hubs.includes(hubName);
  return [
    ...groups
      .filter(isHere)
      .map(({ name, origin, selector }) => ({ resource: `DeviceGroup/${name}`, origin, selector })),
    ...[...configurations, ...exceptions].flatMap(({ owner, origin, targets }) =>
      targets
        .filter((target) => target.group === undefined && isHere(target))
        .map(({ selector }) => ({ resource: owner, origin, selector })),
    ),
  ];
}

function noDevice({ resource, origin, selector }: NamedSelector, hubName: string): Diagnostic {
  const message = `No device of hub "${hubName}" matches the selector of ${resource}.`;
  return diagnose('TW2202', selector.originOf?.() ?? origin, message, {
    resource,
    hint: 'Compare it with the tags of a device that it is for.',
  });
}

function findMistyped(
  { resource, origin, selector }: NamedSelector,
  hubName: string,
  devices: readonly DeviceFacts[],
): Diagnostic[] {
  return selector.requirements.flatMap((requirement) =>
    othersOf(requirement).flatMap(({ key, value, other }) => {
      const count = devices.filter((device) => factOf(requirement.key, device) === other).length;
      if (count === 0) return [];
      const where = `${count} ${count === 1 ? 'device' : 'devices'} of hub "${hubName}"`;
      const message = `Tag "${key}" is ${typeText(value)} in the selector of ${resource}, and ${typeText(other)} on ${where}.`;
      return [
        diagnose('TW2201', selector.originOf?.(requirement, value) ?? origin, message, {
          resource,
          hint: `Where you mean those, write ${JSON.stringify(other)}.`,
        }),
      ];
    }),
  );
}

interface Other {
  readonly key: string;
  readonly value: Scalar;
  readonly other: Scalar;
}

/** Values of tags that read the same and are not, and that the requirement does not name too. */
function othersOf(requirement: Requirement): Other[] {
  if (!('values' in requirement) || requirement.key.kind !== 'tag') return [];
  const key = requirement.key.path.join('.');
  return requirement.values.flatMap((value) => {
    const other = otherSpelling(value);
    return other === undefined || requirement.values.includes(other) ? [] : [{ key, value, other }];
  });
}

function otherSpelling(value: Scalar): Scalar | undefined {
  if (typeof value !== 'string') return String(value);
  if (value === 'true' || value === 'false') return value === 'true';
  return looksLikeNumber(value) ? Number(value) : undefined;
}

function looksLikeNumber(text: string): boolean {
  return text !== '' && String(Number(text)) === text && Number.isFinite(Number(text));
}

function typeText(value: Scalar): string {
  return `the ${typeof value === 'string' ? 'text' : typeof value} ${JSON.stringify(value)}`;
}
