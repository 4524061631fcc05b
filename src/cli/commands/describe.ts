// `twinward describe KIND NAME`: one resource, what it says, and how it stands on each hub.
import type { InspectedTwin } from '../../controller/inspect.ts';
import type { Declared } from '../../model/declared.ts';
import type { Origin } from '../../model/diagnostic.ts';
import { closest } from '../../model/similarity.ts';
import { matches } from '../../plan/selection.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readDeclared, type SourceOptions } from '../manifests.ts';
import { inspect, withHubs, type HubChoice } from '../plan-hub.ts';
import { writeDocument, type Format } from '../report.ts';
import {
  configurationFields,
  groupFields,
  hubFields,
  placeText,
  profileFields,
  type Fields,
} from '../resource-fields.ts';
import { conditionRows, countStanding, offenderRows, stateCounts, type Standing } from '../standing.ts';
import { createStyle, type Style } from '../style.ts';
import { countOf, formatCount, formatTable } from '../table.ts';
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
  /** Whether a twin on a hub is one of its own; undefined for what no hub is asked about. */
  readonly owns: ((hub: string, twin: InspectedTwin) => boolean) | undefined;
}

interface HubStanding extends Standing {
  readonly hub: string;
}

export async function describe(world: World, options: DescribeOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output, 'errors');
  const described = find(declared, options);
  const standings: HubStanding[] = [];
  const { owns } = described;
  if (owns !== undefined) {
    await withHubs(world, declared, options, async (session) => {
      const hub = session.declaredHub.name;
      const count = countStanding();
      const see = (twin: InspectedTwin): void => {
        if (owns(hub, twin)) count.see(twin);
      };
      await inspect(world, session, see, { onGuards: (guards) => count.judge(guards) });
      standings.push({ hub, ...count.result() });
    });
  }
  const { kind, name, origin, fields } = described;
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

/** By the word that is typed: the resource, or the names that there are. */
const FINDERS: Readonly<Record<string, Finder>> = {
  hub: (declared, name) => {
    const hub = declared.hubs.find((one) => one.name === name);
    if (hub === undefined) return declared.hubs.map((one) => one.name);
    return { kind: 'Hub', name, origin: hub.origin, fields: hubFields(hub), owns: (on) => on === name };
  },
  group: (declared, name) => {
    const group = declared.groups.find((one) => one.name === name);
    if (group === undefined) return declared.groups.map((one) => one.name);
    const owns: Described['owns'] = (hub, { device }) => group.hubs.includes(hub) && matches(group.selector, device);
    return { kind: 'DeviceGroup', name, origin: group.origin, fields: groupFields(group, declared), owns };
  },
  configuration: (declared, name) => {
    const configuration = declared.configurations.find((one) => one.name === name);
    if (configuration === undefined) return declared.configurations.map((one) => one.name);
    const { owner, origin } = configuration;
    const owns = ownedBy(owner);
    return { kind: 'SecurityConfiguration', name, origin, fields: configurationFields(configuration), owns };
  },
  exception: (declared, name) => {
    const all = [...declared.exceptions, ...declared.expired];
    const exception = all.find((one) => one.name === name);
    if (exception === undefined) return all.map((one) => one.name);
    const { owner, origin } = exception;
    const owns = ownedBy(owner);
    return { kind: 'SecurityException', name, origin, fields: configurationFields(exception), owns };
  },
  profile: (declared, name) => {
    const profile = declared.profiles.get(name);
    if (profile === undefined) return [...declared.profiles.keys()];
    return {
      kind: 'AgentProfile',
      name,
      origin: profile.origin,
      fields: profileFields(profile, declared),
      owns: undefined,
    };
  },
};

function ownedBy(owner: string): Described['owns'] {
  return (_hub, { target }) => target.layerOwners.includes(owner);
}

/** The kinds of the manifests are understood too: `DeviceGroup` is `group`. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  devicegroup: 'group',
  securityconfiguration: 'configuration',
  securityexception: 'exception',
  agentprofile: 'profile',
};

function find(declared: Declared, { kind, name }: DescribeOptions): Described {
  const word = kind.toLowerCase().replace(/s$/, '');
  const finder = FINDERS[LONG_NAMES[word] ?? word];
  if (finder === undefined) {
    const known = Object.keys(FINDERS).join(', ');
    const hint = word === 'device' ? `For a device: twinward why ${name}.` : `There are ${known}.`;
    throw new CliFailure(EXIT.Failed, `There is no kind "${kind}" to describe.`, hint);
  }
  const found = finder(declared, name);
  if (!isNames(found)) return found;
  const meant = closest(name, found);
  const hint = meant === undefined ? `There are: ${found.join(', ') || 'none'}.` : `Did you mean "${meant}"?`;
  throw new CliFailure(EXIT.Failed, `The manifests have no ${LONG_NAMES[word] ?? word} "${name}".`, hint);
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
  return [head, formatTable(rows, '  '), ...standings.map((standing) => `\n${standingText(standing, style)}`)].join('');
}

function standingText({ hub, conditions, counts, offenders, moreOffenders }: HubStanding, style: Style): string {
  const { devices, twins, actions } = counts;
  const terms = stateCounts(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, count]) => `${formatCount(count)} ${state}`);
  const sum = terms.length === 0 ? '' : ` = ${terms.join(' + ')}`;
  const worst = offenderRows(offenders);
  return [
    `${style.bold(hub)}   ${countOf(devices, 'device')}, ${countOf(twins - actions.Skip, 'twin')}${sum}\n`,
    formatTable(conditionRows(conditions), '  '),
    ...(worst.length === 0 ? [] : [`  Worst first\n${formatTable(worst, '    ')}`]),
    ...(moreOffenders === 0 ? [] : [`    and ${formatCount(moreOffenders)} more\n`]),
  ].join('');
}
