// Break-glass suspensions by what they stop: everything, a device, an owner. And what is said about them.
import type { Suspension } from '../../model/suspension.ts';
import { ownerName, type Owner } from '../../model/owner.ts';
import { momentText } from '../../model/moment.ts';

export interface Suspensions {
  /** Devices that are named, so that selectors distinguish them. */
  readonly deviceIds: ReadonlySet<string>;
  /** What stops every write to the device. */
  ofDevice(deviceId: string): Suspension | undefined;
  /** What stops this configuration or exception, wherever it is. */
  ofOwner(owner: Owner): Suspension | undefined;
}

export function indexSuspensions(all: readonly Suspension[]): Suspensions {
  const everything = all.find(({ scope }) => scope === 'All');
  const devices = new Map<string, Suspension>();
  const names = new Map<string, Suspension>();
  for (const suspension of all) {
    if (suspension.scope === 'Device') devices.set(suspension.name, suspension);
    else if (suspension.scope === 'Configuration') names.set(suspension.name, suspension);
  }
  return {
    deviceIds: new Set(devices.keys()),
    ofDevice: (deviceId) => everything ?? devices.get(deviceId),
    ofOwner: (owner) => names.get(ownerName(owner)),
  };
}

export const NO_SUSPENSIONS = indexSuspensions([]);

const SUBJECTS = { All: 'Everything', Configuration: 'The configuration', Device: 'The device' } as const;

export function suspensionText(suspension: Suspension): string {
  return `${SUBJECTS[suspension.scope]} is suspended ${byText(suspension)}`;
}

/** Of one that a person ended. */
export function endedSuspensionText(suspension: Suspension): string {
  const { scope } = suspension;
  const subject = 'name' in suspension ? `${suspension.name}: ${SUBJECTS[scope]}` : SUBJECTS[scope];
  return `${subject} was suspended ${byText(suspension)}`;
}

function byText({ who, reason, untilMs }: Suspension): string {
  const until = untilMs === undefined ? '' : ` until ${momentText(untilMs)}`;
  return `by ${who}${until}: ${reason}`;
}

/** The same with what ends it. */
export function endableSuspensionText(suspension: Suspension): string {
  const what = suspension.scope === 'All' ? '--all' : `--${suspension.scope.toLowerCase()} ${suspension.name}`;
  return `${suspensionText(suspension)} (twinward resume ${what} ends it)`;
}

/** The same with the name of what is suspended, for where that is not plain. */
export function namedSuspensionText(suspension: Suspension): string {
  const text = endableSuspensionText(suspension);
  return 'name' in suspension ? `${suspension.name}: ${text}` : text;
}
