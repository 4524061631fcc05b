// The one driver of a pass: lists the fleet, plans every row, lets the gates see it, and decides on the whole. `plan`,
import type { EarlierApproval } from '../../model/earlier-approval.ts';
// `status`, `apply` and `run` differ in what they do with a row, not in how it is decided.
import type { GuardDecision } from '../../plan/guard/guards.ts';
import { rulesOf, type HubContext, type Rules } from '../context/hub-context.ts';
import { listDevices, listTwins, type Row } from './list-fleet.ts';
import { countDevices } from './device-count.ts';

/** `Superseded`: other rules came meanwhile, and their own pass decides. `ListEmpty`: no row although the hub has some. */
export type PassEnd =
  | { readonly kind: 'Complete'; readonly guards: GuardDecision; readonly rules: Rules }
  | { readonly kind: 'Superseded' }
  | { readonly kind: 'ListEmpty' };

export interface PassOptions {
  /** An approval whose work may be half done. */
  readonly earlier?: EarlierApproval | undefined;
  /** Called for each row: with its bits of RISK, and with the gates that decide after the last. */
  readonly onRow: (row: Row, risks: number, rules: Rules) => void;
}

/** Rejects with HubError where a list fails midway. Does not change `context.rules`. */
export async function makePass(context: HubContext, options: PassOptions, signal: AbortSignal): Promise<PassEnd> {
  const { rules: before, devices, twins, clock } = context;
  twins.beginPass(clock.now());
  if (!(await listDevices(context, signal))) return { kind: 'ListEmpty' };
  const rules = rulesOf(before.planner.forFleet(devices.all()));
  const visit = (row: Row): void => {
    const risks = row.planned === undefined ? 0 : rules.gates.observe(row.planned.action, row.twin);
    options.onRow(row, risks, rules);
  };
  if (!(await listTwins(context, rules.planner, visit, signal))) return { kind: 'ListEmpty' };
  // A short list of devices matters only to a pass that takes something away.
  const devicesCounted = rules.gates.dependsOnDeviceCount ? await countDevices(context, signal) : undefined;
  if (context.rules.planner !== before.planner) return { kind: 'Superseded' };
  const guards = rules.gates.decide({ devices: devices.listedCount, devicesCounted, earlier: options.earlier });
  return { kind: 'Complete', guards, rules };
}
