// `apply --wait=applied`: waits for the agents, and says in one line what they made of it.
import type { ApplyReport } from '../../controller/once/apply.ts';
import { awaitAgents, type AgentAnswer, type AgentResult } from '../../controller/reconcile/await-agents.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { HubSession } from './plan-hub.ts';
import { createProgress } from '../render/progress.ts';
import { countOf, firstLines, formatCount } from '../render/table.ts';
import { TIMEOUT_MS, type WaitChoice } from '../input/wait-choice.ts';
import type { World } from '../world.ts';

/** Undefined where nobody wants to wait. */
export async function agentsOf(
  world: World,
  { hub, planner }: Pick<HubSession, 'hub' | 'planner'>,
  { results }: ApplyReport,
  { wait = 'written', timeout = TIMEOUT_MS }: WaitChoice,
): Promise<readonly AgentResult[] | undefined> {
  if (wait === 'written') return undefined;
  const progress = createProgress(world);
  const written = results.filter(({ outcome }) => outcome === 'Written' || outcome === 'Created');
  try {
    return await awaitAgents({
      hub,
      planner,
      clock: world.clock,
      signal: world.interrupted,
      refs: written.map(({ ref }) => ref),
      timeoutMs: timeout,
      onProgress: (waiting, total) => progress.show(`agents  ${total - waiting}/${total} have answered`),
    });
  } finally {
    progress.clear();
  }
}

const WORDS: Partial<Record<AgentAnswer, string>> = {
  Written: 'whose agent never answers',
  Unreachable: 'offline',
  Changed: 'changed by somebody else since',
  Waiting: 'not answered in time',
};
const GOOD: ReadonlySet<AgentAnswer> = new Set(['Applied', 'Written', 'Unreachable']);

/** `  412 twins = 389 Applied + 3 Rejected + 20 offline`, then those that are not as they should be. */
export function agentsText(agents: readonly AgentResult[]): string {
  if (agents.length === 0) return '';
  const terms = [...Map.groupBy(agents, ({ answer }) => answer)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([answer, list]) => `${formatCount(list.length)} ${WORDS[answer] ?? answer}`);
  const bad = agents.filter(({ answer }) => !GOOD.has(answer) && answer !== 'Waiting');
  const lines = bad.map(({ ref, answer, detail = '' }) =>
    `  ${answer}  ${ref.deviceId}/${ref.moduleId}  ${detail}`.trimEnd(),
  );
  return [`  ${countOf(agents.length, 'twin')} = ${terms.join(' + ')}`, ...firstLines(lines)]
    .map((line) => `${line}\n`)
    .join('');
}

/** Counts, and each twin that is not as it should be. */
export function agentsFields(agents: readonly AgentResult[]): object {
  const counts: Partial<Record<AgentAnswer, number>> = {};
  for (const { answer } of agents) counts[answer] = (counts[answer] ?? 0) + 1;
  const others = agents
    .filter(({ answer }) => !GOOD.has(answer))
    .map(({ ref, answer, detail }) => ({ ...ref, answer, ...(detail === undefined ? {} : { detail }) }));
  return { counts, others };
}

/** What a refusal and what a wait that was too long mean for the exit code. */
export function agentsCode(agents: readonly AgentResult[]): ExitCode {
  if (agents.some(({ answer }) => !GOOD.has(answer) && answer !== 'Waiting')) return EXIT.Failed;
  return agents.some(({ answer }) => answer === 'Waiting') ? EXIT.Timeout : EXIT.Ok;
}
