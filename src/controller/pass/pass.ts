// One pass over a hub: every row is planned, the guards judge the whole, and only then what they limit is handed on.
import { writes, type TwinAction } from '../../model/action.ts';
import {
  decideGuards,
  RISKS_OF_SHORT_LIST,
  type EarlierApproval,
  type GuardDecision,
} from '../../plan/guard/guards.ts';
import { gatherFacts } from '../../plan/guard/pass-facts.ts';
import { riskContext } from '../../plan/guard/risk.ts';
import { countDevices } from './device-count.ts';
import { countedRisks, heldState, judged, refusedAction, type CountedTwin } from './guarded.ts';
import { takeRow } from './row-work.ts';
import { refOf } from '../../model/twin-key.ts';
import { declaredHubOf, type HubScope } from '../reconcile/hub-context.ts';
import { survey, type Row } from './list-fleet.ts';
import type { Priority } from '../queue/work-queue.ts';

/**
 * `Superseded`: a new revision came meanwhile; what guards limit is left to its own pass. `ListEmpty`: no row although
 * the hub has some.
 */
export type PassEnd =
  | { readonly kind: 'Complete'; readonly guards: GuardDecision }
  | { readonly kind: 'Superseded' }
  | { readonly kind: 'ListEmpty' };

export interface PassOptions {
  /** The pass follows a person's change. */
  readonly isChange: boolean;
  readonly earlier?: EarlierApproval | undefined;
  /** Told of every row before anything is queued for it. */
  readonly onRow?: (row: Row, isStarting: boolean) => void;
  /** Rows that it refuses are only counted. */
  readonly select?: (row: Row) => boolean;
  /** Work to do, once for each key: at once where nothing that is counted can hold it, else after the whole pass. */
  readonly enqueue: (key: string, priority: Priority) => void;
  /** Work that the guards refuse. */
  readonly onRefused?: (action: TwinAction) => void;
}

/** Rejects with HubError where a list fails midway. Leaves the decision of the guards in `scope.planner`. */
export async function makePass(scope: HubScope, options: PassOptions, signal: AbortSignal): Promise<PassEnd> {
  const { isChange, select = () => true, onRow, enqueue } = options;
  const { open } = scope;
  scope.hints?.beginPass();
  const declaredHub = declaredHubOf(scope);
  const limited = countedRisks(scope);
  const context = riskContext(open);
  const gatherer = gatherFacts(context);
  const waiting: Waiting = { keys: [], priorities: [], risks: [] };
  const counted = new Map<string, CountedTwin>();
  const visit = (row: Row): void => {
    const risks = row.planned === undefined ? 0 : gatherer.see(row.planned.action, row.twin);
    if (!select(row)) return;
    const priority = takeRow(scope, row, isChange);
    onRow?.(row, priority !== undefined);
    if (priority === undefined) return;
    // Only a direct read says what an unclear row comes to: the guards have to have spoken by then.
    const isClear = row.planned !== undefined && writes(row.planned.action);
    if (isClear && (risks & limited) === 0) {
      enqueue(row.key, priority);
      return;
    }
    waiting.keys.push(row.key);
    waiting.priorities.push(priority);
    waiting.risks.push(risks);
    if (risks !== 0 && row.planned !== undefined) counted.set(row.key, { risks, target: row.planned.target });
  };
  if ((await survey(scope, visit, signal)) === 'ListEmpty') return { kind: 'ListEmpty' };
  const isListJudged = (gatherer.risks & RISKS_OF_SHORT_LIST) !== 0;
  const devices = isListJudged ? await countDevices(scope, signal) : undefined;
  if (scope.open !== open) return { kind: 'Superseded' };
  const guards = decideGuards(gatherer.facts(scope.view.listedCount, devices), declaredHub, options.earlier);
  scope.hints?.endPass();
  scope.planner = judged(scope, guards, counted);
  handOn(scope, waiting, guards, options);
  return { kind: 'Complete', guards };
}

/** Columns, not objects: there is one row for each twin of a fleet. */
interface Waiting {
  readonly keys: string[];
  readonly priorities: Priority[];
  readonly risks: number[];
}

function handOn(
  scope: HubScope,
  { keys, priorities, risks }: Waiting,
  { refusedRisks, message }: GuardDecision,
  { enqueue, onRefused }: PassOptions,
): void {
  for (const [index, key] of keys.entries()) {
    if (((risks[index] ?? 0) & refusedRisks) === 0) enqueue(key, priorities[index] ?? 'Resync');
    else {
      scope.view.note(key, heldState(message));
      onRefused?.(refusedAction({ ...refOf(key), message }));
    }
  }
}
