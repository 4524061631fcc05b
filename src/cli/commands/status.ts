// `twinward status`: each hub's status against the manifests, counted, worst first.
import { namedSuspensionText } from '../../plan/select/suspensions.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { inspect, withHubs, type HubChoice } from '../connect/plan-hub.ts';
import { writeDocument, type Format } from '../render/report.ts';
import { conditionRows, countStanding, stateCounts, worstText, type Standing } from '../render/standing.ts';
import { createStyle, type Style } from '../render/style.ts';
import { countOf, formatTable } from '../render/table.ts';
import type { World } from '../world.ts';

export interface StatusOptions extends SourceOptions, HubChoice {
  readonly output: Format;
}

interface StandingHub extends Standing {
  readonly name: string;
  readonly hostName: string;
  readonly mode: string;
  /** Suspensions, approvals without effect, and other writers to the same modules, one sentence each. */
  readonly notes: readonly string[];
}

export async function status(world: World, options: StatusOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output, 'errors');
  const hubs: StandingHub[] = [];
  await withHubs(world, declared, options, async (session) => {
    const count = countStanding();
    const { devices, notes, guards } = await inspect(world, session, (twin) => count.add(twin));
    count.judge(guards);
    const { idleApproval } = guards;
    const { conditions, counts, offenders, moreOffenders } = count.result();
    const { hostName, mode, declaredHub, suspensions } = session;
    hubs.push({
      name: declaredHub.name,
      hostName,
      mode,
      conditions,
      counts: { ...counts, devices: devices.size },
      offenders,
      moreOffenders,
      notes: [...suspensions.map(namedSuspensionText), ...(idleApproval === undefined ? [] : [idleApproval]), ...notes],
    });
  });
  if (options.output === 'json') writeDocument(world, 'Status', { revision: declared.revision, hubs });
  else
    world.out.write(hubs.map((hub) => hubText(hub, declared.revision, createStyle(world.env, world.out))).join('\n'));
  return EXIT.Ok;
}

function hubText(hub: StandingHub, revision: string, style: Style): string {
  const { name, hostName, mode, conditions, counts, notes } = hub;
  const { devices, twins, actions } = counts;
  const rows = stateCounts(counts).map(([state, count]) => [state, String(count)]);
  const worst = worstText(hub);
  return [
    `${style.bold(name)}   ${hostName}   mode ${mode}   ${revision.slice(0, 19)}\n`,
    `${countOf(devices, 'device')}, ${countOf(twins, 'twin')}, ${actions.Equal} in sync\n`,
    formatTable(rows, '  '),
    `\n${formatTable(conditionRows(conditions), '  ')}`,
    ...(worst === '' ? [] : [`\n${worst}`]),
    ...(notes.length === 0 ? [] : [`\n${notes.map((note) => `${note}\n`).join('')}`]),
  ].join('');
}
