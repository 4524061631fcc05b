// `twinward get devices|groups|configurations|exceptions|profiles`: tables of declared resources and their status.
import type { Declared } from '../../model/declared.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import { matches } from '../../plan/select/selection.ts';
import type { InspectedTwin } from '../../controller/once/inspect.ts';
import { refusedState, type TwinState } from '../../controller/twins/twin-state.ts';
import { closest } from '../../model/similarity.ts';
import { ownerName, type Owner } from '../../model/owner.ts';
import { momentText } from '../../model/moment.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { inspect, withHubs, type HubChoice } from '../connect/plan-hub.ts';
import { writeDocument, type Format } from '../render/report.ts';
import { exceptionState } from '../render/resource-fields.ts';
import { formatTable } from '../render/table.ts';
import type { World } from '../world.ts';

const LISTS = ['devices', 'groups', 'configurations', 'exceptions', 'profiles'] as const;
type List = (typeof LISTS)[number];

export function parseList(text: string): List {
  const list = LISTS.find((name) => name === text.toLowerCase() || name === `${text.toLowerCase()}s`);
  if (list !== undefined) return list;
  const meant = closest(text, LISTS);
  const hint = meant === undefined ? `There are ${LISTS.join(', ')}.` : `Did you mean ${meant}?`;
  throw new CliFailure(EXIT.Failed, `There is no list "${text}".`, hint);
}

export interface GetOptions extends SourceOptions, HubChoice {
  readonly output: Format;
  readonly list: List;
}

interface Seen {
  readonly hub: string;
  readonly moduleId: string;
  readonly device: DeviceFacts;
  readonly owners: readonly Owner[];
  readonly state: TwinState | undefined;
  /** Bits of RISK. */
  readonly risks: number;
}

/** A row: column title to value. Titles are the JSON names. */
type Row = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export async function get(world: World, options: GetOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output, 'errors');
  const seen: Seen[] = [];
  if (options.list !== 'profiles') {
    await withHubs(world, declared, options, async (session) => {
      const hub = session.declaredHub.name;
      const keep = ({ ref: { moduleId }, device, target, state, risks }: InspectedTwin): Seen => ({
        hub,
        moduleId,
        device,
        owners: target.layerOwners,
        state,
        risks,
      });
      const { kept, guards } = await inspect(world, session, keep);
      for (const one of kept) {
        // Omit missing modules that no configuration requires.
        if (one.state?.type === 'Skip') continue;
        // The guards' message covers all that they refuse: status prints it, once.
        seen.push(
          (one.risks & guards.refusedRisks) === 0 ? one : { ...one, state: refusedState(one.state, undefined) },
        );
      }
    });
  }
  const rows = ROWS[options.list](declared, seen);
  if (options.output === 'json') writeDocument(world, 'List', { list: options.list, items: rows });
  else world.out.write(rowsText(rows, options.list));
  return EXIT.Ok;
}

const ROWS: Readonly<Record<List, (declared: Declared, seen: readonly Seen[]) => Row[]>> = {
  devices: deviceRows,
  groups: groupRows,
  configurations: configurationRows,
  exceptions: exceptionRows,
  profiles: profileRows,
};

function deviceRows(_declared: Declared, seen: readonly Seen[]): Row[] {
  return seen
    .map(({ hub, moduleId, device, owners, state }) => ({
      name: device.deviceId,
      hub,
      module: moduleId,
      state: standing(state),
      reason: state?.reason ?? '',
      configurations: owners.map(ownerName),
      detail: state?.detail,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function groupRows({ groups, configurations }: Declared, seen: readonly Seen[]): Row[] {
  return groups.map(({ name, mode, hubs, selector }) => {
    const members = new Set(
      seen
        .filter(({ hub, device }) => hubs.includes(hub) && matches(selector, device))
        .map((row) => `${row.hub}/${row.device.deviceId}`),
    );
    const users = configurations.filter(({ targets }) => targets.some(({ group }) => group === name));
    return { name, mode, hubs, configurations: users.length, managedDevices: members.size };
  });
}

function configurationRows({ configurations }: Declared, seen: readonly Seen[]): Row[] {
  return configurations.map(({ name, owner, profile, priority, mode, suspend }) => {
    const { states, count } = standingOf(owner, seen);
    return {
      name,
      profile: profile.name,
      priority,
      mode: suspend ? 'Suspended' : mode,
      twins: states.length,
      inSync: count(...IN_SYNC),
      applied: count('Applied'),
      rejected: count('Rejected', 'Unsupported'),
      unreachable: count('Unreachable', 'NotAcknowledged'),
    };
  });
}

/** An ended exception has no twins any more; devices show changes that are not undone yet. */
function exceptionRows(declared: Declared, seen: readonly Seen[]): Row[] {
  return [...declared.exceptions, ...declared.expired]
    .map((exception) => {
      const { name, owner, profile, maxDevices, expiresAtMs, ownerText, reason } = exception;
      const { states, count } = standingOf(owner, seen);
      return {
        name,
        profile: profile.name,
        state: exceptionState(exception, declared),
        until: momentText(expiresAtMs),
        twins: states.length,
        inSync: count(...IN_SYNC),
        held: count('Hold'),
        maxDevices,
        owner: ownerText,
        reason,
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const IN_SYNC = ['Written', 'Applied', 'Rejected', 'NotAcknowledged', 'Unsupported', 'Unreachable'] as const;

/** Of the twins on which it has a claim. */
function standingOf(owner: Owner, seen: readonly Seen[]) {
  const states = seen.filter(({ owners }) => owners.includes(owner)).map(({ state }) => standing(state));
  const count = (...names: readonly string[]): number => states.filter((state) => names.includes(state)).length;
  return { states, count };
}

function profileRows({ profiles, configurations }: Declared): Row[] {
  return [...profiles.values()]
    .map(({ name, moduleId, section, encoding, patchGranularity, endOfSupport, origin }) => ({
      name,
      module: moduleId,
      section: section.join('/'),
      encoding,
      patch: patchGranularity,
      endOfSupport,
      from: origin === undefined ? 'built in' : origin.file,
      configurations: configurations.filter(({ profile }) => profile.name === name).length,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The acknowledgement of a twin in sync; else the action. */
function standing(state: TwinState | undefined): string {
  return state?.acknowledgement ?? state?.type ?? 'Unknown';
}

/** `inSync` becomes `IN-SYNC`. */
function rowsText(rows: readonly Row[], list: List): string {
  const first = rows[0];
  if (first === undefined) return `No ${list}.\n`;
  const titles = Object.keys(first);
  const header = titles.map((title) => title.replaceAll(/[A-Z]/g, (letter) => `-${letter}`).toUpperCase());
  return formatTable([header, ...rows.map((row) => titles.map((title) => cellText(row[title])))]);
}

function cellText(cell: Row[string]): string {
  return typeof cell === 'object' ? cell.join(',') : String(cell ?? '');
}
