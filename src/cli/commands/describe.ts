// `twinward describe KIND NAME`: one resource, its manifest, and its status on each hub.
import type { InspectedTwin } from '../../controller/once/inspect.ts';
import type { Declared, DeclaredConfiguration } from '../../model/declared.ts';
import type { Origin } from '../../model/diagnostic.ts';
import { closest } from '../../model/similarity.ts';
import { matches } from '../../plan/select/selection.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { chooseHubs, inspect, withHubs, type HubChoice } from '../connect/plan-hub.ts';
import { writeDocument, type Format } from '../render/report.ts';
import {
  configurationFields,
  exceptionFields,
  groupFields,
  hubFields,
  placeText,
  profileFields,
  type Fields,
} from '../render/resource-fields.ts';
import { conditionRows, countStanding, stateCounts, worstText, type Standing } from '../render/standing.ts';
import { createStyle, type Style } from '../render/style.ts';
import { countOf, formatCount, formatTable } from '../render/table.ts';
import type { World } from '../world.ts';

export interface DescribeOptions extends SourceOptions, HubChoice {
  readonly output: Format;
  readonly kind: string;
  readonly name: string;
}

interface Described {
  readonly kind: string;
  readonly name: string;
  readonly origin: Origin | undefined;
  readonly fields: Fields;
  /** Hubs to list; empty for kinds that need none. */
  readonly hubs: readonly string[];
  /** True if the twin on one of these hubs belongs to the resource. */
  readonly owns: (twin: InspectedTwin) => boolean;
}

/** Counts devices with a twin of the resource; for a hub, all devices. */
interface HubStanding extends Standing {
  readonly hub: string;
  readonly hostName: string;
  readonly mode: string;
}

export async function describe(world: World, options: DescribeOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output, 'errors');
  const described = find(declared, options);
  const standings: HubStanding[] = [];
  const { kind, name, origin, fields, hubs, owns } = described;
  for (const hub of hubs.length === 0 ? [] : chooseHubs(declared, options.hub).map((one) => one.name)) {
    if (!hubs.includes(hub)) continue;
    await withHubs(world, declared, { ...options, hub }, async (session) => {
      const { hostName, mode } = session;
      const count = countStanding();
      const see = (twin: InspectedTwin): void => {
        if (owns(twin)) count.add(twin);
      };
      const { devices, guards } = await inspect(world, session, see);
      count.judge(guards);
      const { counts, ...standing } = count.result();
      standings.push({
        hub,
        hostName,
        mode,
        ...standing,
        counts: kind === 'Hub' ? { ...counts, devices: devices.size } : counts,
      });
    });
  }
  if (options.output === 'json') {
    writeDocument(world, 'Description', {
      revision: declared.revision,
      resource: { kind, name, ...(origin === undefined ? {} : { origin }) },
      spec: fields,
      hubs: standings,
    });
  } else {
    world.out.write(textOf(described, standings, createStyle(world.env, world.out)));
  }
  return EXIT.Ok;
}

type Finder = (declared: Declared, name: string) => Described | readonly string[];

/** By the typed word: the resource, or the existing names. */
const FINDERS: Readonly<Record<string, Finder>> = {
  hub: (declared, name) => {
    const hub = declared.hubs.find((one) => one.name === name);
    if (hub === undefined) return declared.hubs.map((one) => one.name);
    return { kind: 'Hub', name, origin: hub.origin, fields: hubFields(hub), hubs: [name], owns: () => true };
  },
  group: (declared, name) => {
    const group = declared.groups.find((one) => one.name === name);
    if (group === undefined) return declared.groups.map((one) => one.name);
    const { origin, hubs, selector } = group;
    const owns: Described['owns'] = ({ device }) => matches(selector, device);
    return { kind: 'DeviceGroup', name, origin, fields: groupFields(group, declared), hubs, owns };
  },
  configuration: (declared, name) => {
    const configuration = declared.configurations.find((one) => one.name === name);
    if (configuration === undefined) return declared.configurations.map((one) => one.name);
    const fields = configurationFields(configuration);
    return { kind: 'SecurityConfiguration', name, fields, ...placeOf(configuration) };
  },
  exception: (declared, name) => {
    const all = [...declared.exceptions, ...declared.expired];
    const exception = all.find((one) => one.name === name);
    if (exception === undefined) return all.map((one) => one.name);
    return { kind: 'SecurityException', name, fields: exceptionFields(exception, declared), ...placeOf(exception) };
  },
  profile: (declared, name) => {
    const profile = declared.profiles.get(name);
    if (profile === undefined) return [...declared.profiles.keys()];
    return {
      kind: 'AgentProfile',
      name,
      origin: profile.origin,
      fields: profileFields(profile, declared),
      hubs: [],
      owns: () => false,
    };
  },
};

function placeOf({ owner, origin, targets }: DeclaredConfiguration): Pick<Described, 'origin' | 'hubs' | 'owns'> {
  return {
    origin,
    hubs: [...new Set(targets.flatMap(({ hubs }) => hubs))],
    owns: ({ target }) => target.layerOwners.includes(owner),
  };
}

/** Also accepts the kinds of manifests: `DeviceGroup` is `group`. */
const LONG_NAMES: ReadonlyMap<string, string> = new Map([
  ['devicegroup', 'group'],
  ['securityconfiguration', 'configuration'],
  ['securityexception', 'exception'],
  ['agentprofile', 'profile'],
]);

function find(declared: Declared, { kind, name }: DescribeOptions): Described {
  const given = kind.toLowerCase().replace(/s$/, '');
  const word = LONG_NAMES.get(given) ?? given;
  const finder = Object.hasOwn(FINDERS, word) ? FINDERS[word] : undefined;
  if (finder === undefined) {
    const known = Object.keys(FINDERS).join(', ');
    const hint = word === 'device' ? `For a device: twinward why ${name}.` : `There are ${known}.`;
    throw new CliFailure(EXIT.Failed, `There is no kind "${kind}" to describe.`, hint);
  }
  const found = finder(declared, name);
  if (!isNames(found)) return found;
  const meant = closest(name, found);
  const hint = meant === undefined ? `There are: ${found.join(', ') || 'none'}.` : `Did you mean "${meant}"?`;
  throw new CliFailure(EXIT.Failed, `The manifests have no ${word} "${name}".`, hint);
}

function isNames(found: Described | readonly string[]): found is readonly string[] {
  return Array.isArray(found);
}

function textOf({ kind, name, origin, fields }: Described, standings: readonly HubStanding[], style: Style): string {
  const rows = Object.entries(fields).flatMap(([label, value]) => {
    const lines = typeof value === 'string' ? [value] : (value ?? []);
    return lines.map((line, index) => [index === 0 ? label : '', line]);
  });
  const head = `${style.bold(`${kind} ${name}`)}   ${style.dim(placeText(origin) || 'built in')}\n`;
  const noun = kind === 'Hub' ? 'device' : 'managed device';
  const texts = standings.map((standing) => `\n${standingText(standing, noun, style)}`);
  return [head, formatTable(rows, '  '), ...texts].join('');
}

function standingText(standing: HubStanding, noun: string, style: Style): string {
  const { hub, hostName, mode, conditions, counts } = standing;
  const { devices, twins } = counts;
  const terms = stateCounts(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, count]) => `${formatCount(count)} ${state}`);
  const sum = terms.length === 0 ? '' : ` = ${terms.join(' + ')}`;
  return [
    `${style.bold(hub)}   ${hostName}   mode ${mode}\n`,
    `  ${countOf(devices, noun)}, ${countOf(twins, 'twin')}${sum}\n`,
    formatTable(conditionRows(conditions), '  '),
    worstText(standing, '  '),
  ].join('');
}
