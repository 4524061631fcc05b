// A pass that is followed by work, for `apply` and `run`: remembers how every twin stands and queues what is to be written.
// What no gate could hold is queued with its row; the rest waits for the decision on the whole.
import { writes } from '../../model/action.ts';
import type { Refusal } from '../../plan/guard/gate.ts';
import type { HubContext } from '../context/hub-context.ts';
import type { Priority } from '../queue/work-queue.ts';
import { refusedState } from '../twins/twin-state.ts';
import type { CountedTwin } from '../twins/twin-entry.ts';
import type { Row } from './list-fleet.ts';
import { makePass, type PassEnd, type PassOptions } from './pass.ts';
import { priorityOfRow } from './row-priority.ts';

interface QueuePassOptions extends Pick<PassOptions, 'earlier'> {
  /** The pass follows a person's change. */
  readonly isChange: boolean;
  /** Called for every row before anything is queued for it. */
  readonly onRow?: (row: Row, isStarting: boolean) => void;
  /** Rows that it refuses are only counted. */
  readonly select?: (row: Row) => boolean;
  /** Called once for each key that needs work. */
  readonly enqueue: (key: string, priority: Priority) => void;
  /** Called for each key whose work the gates hold. */
  readonly onHeld?: (key: string, refusal: Refusal) => void;
}

/** Columns, not objects: there is one row for each twin of a fleet. */
interface Waiting {
  readonly keys: string[];
  readonly priorities: Priority[];
  readonly risks: number[];
  readonly targets: string[];
}

/** Rejects with HubError where a list fails midway. A whole pass leaves its rules in `context.rules`. */
export async function queuePass(context: HubContext, options: QueuePassOptions, signal: AbortSignal): Promise<PassEnd> {
  const { isChange, earlier, select = () => true, onRow, enqueue } = options;
  const waiting: Waiting = { keys: [], priorities: [], risks: [], targets: [] };
  const end = await makePass(
    context,
    {
      earlier,
      onRow: (row, risks, { gates }) => {
        if (!select(row)) return;
        const priority = priorityOfRow(context, row, isChange);
        onRow?.(row, priority !== undefined);
        if (priority === undefined) return;
        // Only a direct read decides an unclear row: the gates must have decided by then.
        const isClear = row.planned !== undefined && writes(row.planned.action);
        if (isClear && (risks & gates.limits) === 0) return enqueue(row.key, priority);
        waiting.keys.push(row.key);
        waiting.priorities.push(priority);
        waiting.risks.push(risks);
        waiting.targets.push(risks === 0 ? '' : (row.planned?.target.digest ?? ''));
      },
    },
    signal,
  );
  if (end.kind !== 'Complete') return end;
  context.rules = end.rules;
  context.twins.endPass(countedIn(waiting));
  context.hints?.endPass();
  handOn(context, waiting, options);
  return end;
}

function* countedIn({ keys, risks, targets }: Waiting): Iterable<readonly [key: string, counted: CountedTwin]> {
  for (const [index, key] of keys.entries()) {
    const counted = { risks: risks[index] ?? 0, target: targets[index] ?? '' };
    if (counted.risks !== 0) yield [key, counted];
  }
}

function handOn(
  { rules, twins }: HubContext,
  { keys, priorities, risks }: Waiting,
  { enqueue, onHeld }: QueuePassOptions,
): void {
  for (const [index, key] of keys.entries()) {
    const verdict = rules.gates.allowsCounted(risks[index] ?? 0);
    if (verdict === 'Allowed') enqueue(key, priorities[index] ?? 'Resync');
    else {
      twins.setState(key, refusedState(twins.state(key), verdict.message));
      onHeld?.(key, verdict);
    }
  }
}
