// The states of one hub's loop and what moves it from one to the next. Pure: `hub-loop.ts` carries out the effects.
import type { HubError } from '../../model/errors.ts';
import { classify, RETRY, type Outcome } from '../queue/outcome.ts';
import type { Problem } from '../status/conditions.ts';

/**
 * A turn goes through Connecting (once), Acquiring (the lease) and Passing, and ends in Resting, from which the next one
 * begins. Nothing leaves Stopped.
 */
type Phase = 'Connecting' | 'Acquiring' | 'Passing' | 'Resting' | 'Stopped';

export interface HubState {
  readonly phase: Phase;
  readonly isConnected: boolean;
  /** Of the manifests that decide now. */
  readonly revision: string;
  /** True until a whole pass was made with what decides now. */
  readonly isChange: boolean;
  /** True where another turn was asked for while this one runs. */
  readonly isWanted: boolean;
  /** What the pass that runs began with. */
  readonly passing: { readonly revision: string; readonly isChange: boolean } | undefined;
  /** Of the last whole pass, unless its queued work was dropped. */
  readonly passedRevision: string | undefined;
  /** Of the last whole pass whose work is done. */
  readonly appliedRevision: string | undefined;
  readonly problem: Problem | undefined;
  /** Turns that failed in a row. */
  readonly failures: number;
  /** When the next exception ends; `Infinity` where none does. */
  readonly expiryMs: number;
}

export type HubInput =
  | { readonly kind: 'Connected' }
  /** `isNew`: another controller may have written since this one last held it. */
  | { readonly kind: 'LeaseHeld'; readonly isNew: boolean }
  | { readonly kind: 'LeaseTaken'; readonly pollMs: number }
  | { readonly kind: 'SuspensionsRead' }
  | { readonly kind: 'PassEnded'; readonly end: 'Complete' | 'Superseded' }
  | { readonly kind: 'ListEmpty'; readonly message: string }
  | { readonly kind: 'TurnFailed'; readonly error: HubError; readonly nowMs: number }
  | { readonly kind: 'TurnBroken'; readonly message: string }
  /** Another revision decides. */
  | { readonly kind: 'Declared'; readonly revision: string; readonly expiryMs: number }
  /** The same revision decides otherwise: suspensions changed. */
  | { readonly kind: 'SuspensionsChanged'; readonly expiryMs: number }
  /** The work that was queued is dropped. */
  | { readonly kind: 'LeaseLost' }
  | { readonly kind: 'Wake' }
  | { readonly kind: 'RestEnded'; readonly nowMs: number; readonly expiryMs: number }
  | { readonly kind: 'QueueIdle'; readonly uncounted: number }
  | { readonly kind: 'Stop' };

export type HubEffect =
  | { readonly kind: 'Connect' }
  | { readonly kind: 'AcquireLease' }
  | { readonly kind: 'RecallApproval' }
  | { readonly kind: 'ReadSuspensions' }
  | { readonly kind: 'MakePass'; readonly isChange: boolean }
  /** Build the planner of what decides now. */
  | { readonly kind: 'Replan' }
  | { readonly kind: 'EndTurn' }
  | { readonly kind: 'Rest'; readonly after: Outcome; readonly failures: number; readonly untilMs: number }
  | { readonly kind: 'CutRest' }
  | { readonly kind: 'ReportProblem'; readonly problem: Problem }
  | { readonly kind: 'ReportRecovery'; readonly from: Problem }
  /** A pass or the queue has come to rest: report the counts, and what was written. */
  | { readonly kind: 'Summarize' }
  | { readonly kind: 'ReportApplied'; readonly revision: string };

interface Transition {
  readonly state: HubState;
  readonly effects: readonly HubEffect[];
}

const SETTLED: Outcome = { kind: 'Settled' };

export function initialState(revision: string, expiryMs: number): HubState {
  return {
    phase: 'Connecting',
    isConnected: false,
    revision,
    isChange: true,
    isWanted: false,
    passing: undefined,
    passedRevision: undefined,
    appliedRevision: undefined,
    problem: undefined,
    failures: 0,
    expiryMs,
  };
}

export function transition(state: HubState, input: HubInput): Transition {
  if (state.phase === 'Stopped') return { state, effects: [] };
  switch (input.kind) {
    case 'Connected':
      return { state: { ...state, phase: 'Acquiring', isConnected: true }, effects: [{ kind: 'AcquireLease' }] };
    case 'LeaseHeld':
      return holdLease(state, input.isNew);
    case 'LeaseTaken':
      return rest(recover(state), { kind: 'RequeueAfter', delayMs: input.pollMs });
    case 'SuspensionsRead':
      return startPass(state);
    case 'PassEnded':
      return input.end === 'Complete'
        ? completePass(state)
        : rest({ state: dropPass(state), effects: [SUMMARIZE] }, SETTLED);
    case 'ListEmpty':
      return fail(state, { reason: 'ListEmpty', message: input.message, isStalled: false }, RETRY);
    case 'TurnFailed':
      return failByHub(state, input.error, input.nowMs);
    case 'TurnBroken':
      return fail(state, { reason: 'ListFailed', message: input.message, isStalled: false }, RETRY);
    case 'Declared':
      return replan({ ...state, revision: input.revision, expiryMs: input.expiryMs });
    case 'SuspensionsChanged':
      return replan({ ...state, expiryMs: input.expiryMs });
    case 'LeaseLost':
      return wake({ ...state, passedRevision: undefined, isChange: true });
    case 'Wake':
      return wake(state);
    case 'RestEnded':
      return endRest(state, input.nowMs, input.expiryMs);
    case 'QueueIdle':
      return applyRevision(state, input.uncounted);
    case 'Stop':
      return { state: { ...state, phase: 'Stopped' }, effects: [{ kind: 'CutRest' }] };
  }
}

const SUMMARIZE: HubEffect = { kind: 'Summarize' };

function startTurn(state: HubState): Transition {
  return state.isConnected
    ? { state: { ...state, phase: 'Acquiring', isWanted: false }, effects: [{ kind: 'AcquireLease' }] }
    : { state: { ...state, phase: 'Connecting', isWanted: false }, effects: [{ kind: 'Connect' }] };
}

/** The first pass of a new lease re-checks every twin. */
function holdLease(state: HubState, isNew: boolean): Transition {
  const effects: HubEffect[] = isNew ? [{ kind: 'RecallApproval' }] : [];
  return { state: { ...state, isChange: state.isChange || isNew }, effects: [...effects, { kind: 'ReadSuspensions' }] };
}

/** The flag falls before the lists are read: a revision that arrives meanwhile raises it for another pass. */
function startPass(state: HubState): Transition {
  const { revision, isChange } = state;
  return {
    state: { ...state, phase: 'Passing', passing: { revision, isChange }, isChange: false },
    effects: [{ kind: 'MakePass', isChange }],
  };
}

/** What the pass was to follow is still to be followed. */
function dropPass(state: HubState): HubState {
  return { ...state, passing: undefined, isChange: state.isChange || state.passing?.isChange === true };
}

function completePass(state: HubState): Transition {
  const { state: recovered, effects } = recover(state);
  const passed = { ...recovered, passing: undefined, passedRevision: state.passing?.revision };
  return rest({ state: passed, effects: [...effects, SUMMARIZE] }, SETTLED);
}

function recover(state: HubState): Transition {
  const { problem } = state;
  if (problem === undefined) return { state, effects: [] };
  return { state: { ...state, problem: undefined }, effects: [{ kind: 'ReportRecovery', from: problem }] };
}

function failByHub(state: HubState, error: HubError, nowMs: number): Transition {
  const outcome = classify(error, nowMs);
  if (error.code === 'Aborted') return rest({ state: dropPass(state), effects: [] }, outcome);
  const reason = state.isConnected ? 'ListFailed' : 'ConnectFailed';
  return fail(state, { reason, message: error.message, isStalled: outcome.kind === 'Stalled' }, outcome);
}

/** Reported when it begins and when it changes, not at each try. */
function fail(state: HubState, problem: Problem, outcome: Outcome): Transition {
  const { problem: before, passing } = state;
  const isNew = problem.reason !== before?.reason || problem.message !== before.message;
  const effects: HubEffect[] = [
    ...(isNew ? ([{ kind: 'ReportProblem', problem }] as const) : []),
    ...(passing === undefined ? [] : [SUMMARIZE]),
  ];
  return rest({ state: { ...dropPass(state), problem }, effects }, outcome);
}

/** A turn that was asked for meanwhile follows at once. */
function rest({ state, effects }: Transition, after: Outcome): Transition {
  const failures = after.kind === 'Settled' ? 0 : state.failures + 1;
  const resting: HubState = { ...state, phase: 'Resting', failures };
  if (resting.isWanted) {
    const next = startTurn(resting);
    return { state: next.state, effects: [...effects, { kind: 'EndTurn' }, ...next.effects] };
  }
  const pause: HubEffect = { kind: 'Rest', after, failures, untilMs: state.expiryMs };
  return { state: resting, effects: [...effects, { kind: 'EndTurn' }, pause] };
}

function wake(state: HubState): Transition {
  if (state.phase !== 'Resting') return { state: { ...state, isWanted: true }, effects: [] };
  const next = startTurn(state);
  return { state: next.state, effects: [{ kind: 'CutRest' }, ...next.effects] };
}

/** Everything is decided again, and needs a whole pass first. */
function replan(state: HubState): Transition {
  const next = wake({ ...state, isChange: true });
  return { state: next.state, effects: [{ kind: 'Replan' }, ...next.effects] };
}

/** An exception may have ended meanwhile. `expiryMs` is when the next one ends. */
function endRest(state: HubState, nowMs: number, expiryMs: number): Transition {
  if (state.phase !== 'Resting') return { state, effects: [] };
  if (state.expiryMs > nowMs) return startTurn(state);
  const next = startTurn({ ...state, isChange: true, expiryMs });
  return { state: next.state, effects: [{ kind: 'Replan' }, ...next.effects] };
}

/** A revision is applied once the work of its pass is done and every write was counted. */
function applyRevision(state: HubState, uncounted: number): Transition {
  const { phase, passedRevision, appliedRevision } = state;
  if (phase === 'Passing' || uncounted > 0) return { state, effects: [] };
  if (passedRevision === undefined || passedRevision === appliedRevision) return { state, effects: [] };
  return {
    state: { ...state, appliedRevision: passedRevision },
    effects: [{ kind: 'ReportApplied', revision: passedRevision }],
  };
}
