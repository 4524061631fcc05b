// `twinward plan`: what `apply` would do now, without doing it.
import { actionDocument, type ActionDocument } from '../../plan/document.ts';
import { summarize } from '../../plan/summary.ts';
import type { Declared } from '../../model/declared.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { readDeclared, type SourceOptions } from '../manifests.ts';
import { inspect, withHubs, type HubChoice, type HubSession } from '../plan-hub.ts';
import { planText, type HubPlan } from '../plan-text.ts';
import { writeDocument, type Format } from '../report.ts';
import { createStyle } from '../style.ts';
import type { World } from '../world.ts';

export interface PlanOptions extends SourceOptions, HubChoice {
  readonly output: Format;
  readonly detailedExitcode?: boolean;
  /** Device tag by which text output counts. */
  readonly by?: string;
}

export async function plan(world: World, options: PlanOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output);
  const plans: (HubPlan & { actions: readonly ActionDocument[] })[] = [];
  await withHubs(world, declared, options, async (session) => {
    plans.push(await planHub(world, declared, session, options.output === 'json'));
  });
  if (options.output === 'json') writeDocument(world, 'Plan', planFields(declared, options.instance, plans));
  else for (const hub of plans) world.out.write(planText(hub, createStyle(world.env, world.out), options.by));
  const isChange = plans.some(({ summary }) => summary.changed > 0);
  return options.detailedExitcode === true && isChange ? EXIT.Changes : EXIT.Ok;
}

/** With documents for machines, or without. */
export async function planHub(
  world: World,
  { profiles }: Declared,
  session: HubSession,
  isDocumented: boolean,
): Promise<HubPlan & { actions: readonly ActionDocument[] }> {
  const { name } = session.declaredHub;
  const { devices, kept } = await inspect(world, session, ({ action, device, twin }) => ({
    planned: { action, device },
    document: isDocumented ? actionDocument({ hub: name, profiles }, action, twin) : undefined,
  }));
  return {
    name,
    mode: session.mode,
    devices,
    twins: kept.map(({ planned }) => planned),
    summary: summarize(kept.map(({ planned }) => planned.action)),
    actions: kept.flatMap(({ document }) => document ?? []),
  };
}

export function planFields(
  { revision, partial }: Declared,
  instance: string,
  plans: readonly (HubPlan & { actions: readonly ActionDocument[] })[],
): object {
  return {
    revision,
    partial,
    instance,
    hubs: plans.map(({ name, mode, devices, summary }) => ({ name, mode, devices, summary })),
    summary: summarize(plans.flatMap(({ twins }) => twins.map(({ action }) => action))),
    actions: plans.flatMap(({ actions }) => actions),
  };
}
