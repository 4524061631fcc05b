import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import {
  initialState,
  transition,
  type HubEffect,
  type HubInput,
  type HubState,
} from '../../../src/controller/loop/hub-machine.ts';
import { HubError } from '../../../src/model/errors.ts';

type Phase = HubState['phase'];

const R1 = 'sha256:1';
const R2 = 'sha256:2';
const FRESH = initialState(R1, Infinity);
const CONNECTED: HubState = { ...FRESH, phase: 'Acquiring', isConnected: true };
const PASSING: HubState = {
  ...CONNECTED,
  phase: 'Passing',
  isChange: false,
  passing: { revision: R1, isChange: true },
};
const PASSED: HubState = { ...CONNECTED, phase: 'Resting', isChange: false, passedRevision: R1 };
const PROBLEM = { reason: 'ListFailed', message: 'no answer', isStalled: false } as const;
const FAILED: HubState = { ...PASSED, problem: PROBLEM, failures: 3 };
const TIMEOUT: HubInput = { kind: 'TurnFailed', error: new HubError('Timeout', 'no answer'), nowMs: 0 };
const COMPLETE: HubInput = { kind: 'PassEnded', end: 'Complete' };

interface Row {
  readonly name: string;
  readonly given: HubState;
  readonly input: HubInput;
  /** Members of the state afterwards. */
  readonly state: Partial<HubState>;
  readonly effects: readonly HubEffect['kind'][];
}

const ROWS: readonly Row[] = [
  {
    name: 'a connection leads to the lease',
    given: FRESH,
    input: { kind: 'Connected' },
    state: { phase: 'Acquiring', isConnected: true },
    effects: ['AcquireLease'],
  },
  {
    name: 'a new lease re-checks every twin and recalls what was approved',
    given: { ...CONNECTED, isChange: false },
    input: { kind: 'LeaseHeld', isNew: true },
    state: { phase: 'Acquiring', isChange: true },
    effects: ['RecallApproval', 'ReadSuspensions'],
  },
  {
    name: 'a lease that goes on changes nothing',
    given: { ...CONNECTED, isChange: false },
    input: { kind: 'LeaseHeld', isNew: false },
    state: { phase: 'Acquiring', isChange: false },
    effects: ['ReadSuspensions'],
  },
  {
    name: 'suspensions are read before the pass, which takes the change with it',
    given: CONNECTED,
    input: { kind: 'SuspensionsRead' },
    state: { phase: 'Passing', isChange: false, passing: { revision: R1, isChange: true } },
    effects: ['MakePass'],
  },
  {
    name: 'while another holds the lease the loop waits, and a hub that answers is no problem',
    given: { ...CONNECTED, problem: PROBLEM },
    input: { kind: 'LeaseTaken', pollMs: 30_000 },
    state: { phase: 'Resting', problem: undefined },
    effects: ['ReportRecovery', 'EndTurn', 'Rest'],
  },
  {
    name: 'a whole pass is summarized, and its revision waits for the queue',
    given: PASSING,
    input: COMPLETE,
    state: { phase: 'Resting', passedRevision: R1, appliedRevision: undefined, failures: 0, passing: undefined },
    effects: ['Summarize', 'EndTurn', 'Rest'],
  },
  {
    name: 'a whole pass ends a problem',
    given: { ...PASSING, problem: PROBLEM, failures: 3 },
    input: COMPLETE,
    state: { problem: undefined, failures: 0 },
    effects: ['ReportRecovery', 'Summarize', 'EndTurn', 'Rest'],
  },
  {
    name: 'a pass keeps the revision that it began with, and the newer one follows at once',
    given: { ...PASSING, revision: R2, isChange: true, isWanted: true },
    input: COMPLETE,
    state: { phase: 'Acquiring', passedRevision: R1, revision: R2, isChange: true, isWanted: false },
    effects: ['Summarize', 'EndTurn', 'AcquireLease'],
  },
  {
    name: 'a superseded pass leaves its change to the next',
    given: { ...PASSING, isWanted: true },
    input: { kind: 'PassEnded', end: 'Superseded' },
    state: { phase: 'Acquiring', isChange: true, passedRevision: undefined },
    effects: ['Summarize', 'EndTurn', 'AcquireLease'],
  },
  {
    name: 'an empty list is a problem, and the change is still to be followed',
    given: PASSING,
    input: { kind: 'ListEmpty', message: 'nothing' },
    state: {
      phase: 'Resting',
      isChange: true,
      failures: 1,
      problem: { ...PROBLEM, reason: 'ListEmpty', message: 'nothing' },
    },
    effects: ['ReportProblem', 'Summarize', 'EndTurn', 'Rest'],
  },
  {
    name: 'a failed list is reported',
    given: PASSING,
    input: TIMEOUT,
    state: { phase: 'Resting', isChange: true, failures: 1, problem: PROBLEM },
    effects: ['ReportProblem', 'Summarize', 'EndTurn', 'Rest'],
  },
  {
    name: 'the same failure is not reported again',
    given: { ...FAILED, phase: 'Acquiring' },
    input: TIMEOUT,
    state: { problem: PROBLEM, failures: 4 },
    effects: ['EndTurn', 'Rest'],
  },
  {
    name: 'before the connection it is one of connecting',
    given: FRESH,
    input: { kind: 'TurnFailed', error: new HubError('Unauthorized', 'no key'), nowMs: 0 },
    state: { phase: 'Resting', problem: { reason: 'ConnectFailed', message: 'no key', isStalled: true }, failures: 1 },
    effects: ['ReportProblem', 'EndTurn', 'Rest'],
  },
  {
    name: 'an aborted turn is no problem',
    given: PASSING,
    input: { kind: 'TurnFailed', error: new HubError('Aborted', 'stopped'), nowMs: 0 },
    state: { phase: 'Resting', problem: undefined, isChange: true },
    effects: ['EndTurn', 'Rest'],
  },
  {
    name: 'a bug is a problem that is tried again',
    given: PASSING,
    input: { kind: 'TurnBroken', message: 'a bug' },
    state: { problem: { reason: 'ListFailed', message: 'a bug', isStalled: false }, failures: 1, isChange: true },
    effects: ['ReportProblem', 'Summarize', 'EndTurn', 'Rest'],
  },
  {
    name: 'a revision during the rest begins a turn',
    given: PASSED,
    input: { kind: 'Declared', revision: R2, expiryMs: 5 },
    state: { phase: 'Acquiring', revision: R2, isChange: true, expiryMs: 5, appliedRevision: undefined },
    effects: ['Replan', 'CutRest', 'AcquireLease'],
  },
  {
    name: 'a revision during a pass waits for its end',
    given: PASSING,
    input: { kind: 'Declared', revision: R2, expiryMs: Infinity },
    state: { phase: 'Passing', revision: R2, isChange: true, isWanted: true },
    effects: ['Replan'],
  },
  {
    name: 'suspensions that change are followed like a revision',
    given: PASSED,
    input: { kind: 'SuspensionsChanged', expiryMs: Infinity },
    state: { phase: 'Acquiring', revision: R1, isChange: true },
    effects: ['Replan', 'CutRest', 'AcquireLease'],
  },
  {
    name: 'a lost lease takes back what was passed: queued work is dropped',
    given: PASSED,
    input: { kind: 'LeaseLost' },
    state: { phase: 'Acquiring', passedRevision: undefined, isChange: true },
    effects: ['CutRest', 'AcquireLease'],
  },
  {
    name: 'a person who asks for a pass is not kept waiting',
    given: PASSED,
    input: { kind: 'Wake' },
    state: { phase: 'Acquiring', isChange: false },
    effects: ['CutRest', 'AcquireLease'],
  },
  {
    name: 'after a failure to connect the next turn connects',
    given: { ...FRESH, phase: 'Resting' },
    input: { kind: 'RestEnded', nowMs: 0, expiryMs: Infinity },
    state: { phase: 'Connecting' },
    effects: ['Connect'],
  },
  {
    name: 'a rest that ends begins a turn',
    given: PASSED,
    input: { kind: 'RestEnded', nowMs: 0, expiryMs: Infinity },
    state: { phase: 'Acquiring', isChange: false },
    effects: ['AcquireLease'],
  },
  {
    name: 'the end of an exception decides everything again',
    given: { ...PASSED, expiryMs: 1_000 },
    input: { kind: 'RestEnded', nowMs: 1_000, expiryMs: 9_000 },
    state: { phase: 'Acquiring', isChange: true, expiryMs: 9_000 },
    effects: ['Replan', 'AcquireLease'],
  },
  {
    name: 'a rest that was cut already ends nothing',
    given: PASSING,
    input: { kind: 'RestEnded', nowMs: 0, expiryMs: Infinity },
    state: { phase: 'Passing' },
    effects: [],
  },
  {
    name: 'a revision is applied once its work is done',
    given: PASSED,
    input: { kind: 'QueueIdle', uncounted: 0 },
    state: { appliedRevision: R1 },
    effects: ['ReportApplied'],
  },
  {
    name: 'it is applied once',
    given: { ...PASSED, appliedRevision: R1 },
    input: { kind: 'QueueIdle', uncounted: 0 },
    state: { appliedRevision: R1 },
    effects: [],
  },
  {
    name: 'not while writes wait for a pass to count them',
    given: PASSED,
    input: { kind: 'QueueIdle', uncounted: 1 },
    state: { appliedRevision: undefined },
    effects: [],
  },
  {
    name: 'not while a pass runs, which may queue more',
    given: { ...PASSING, passedRevision: R1 },
    input: { kind: 'QueueIdle', uncounted: 0 },
    state: { appliedRevision: undefined },
    effects: [],
  },
  {
    name: 'not where the queue was emptied by the loss of the lease',
    given: { ...PASSED, passedRevision: undefined },
    input: { kind: 'QueueIdle', uncounted: 0 },
    state: { appliedRevision: undefined },
    effects: [],
  },
  {
    name: 'stopping cuts the rest',
    given: PASSED,
    input: { kind: 'Stop' },
    state: { phase: 'Stopped' },
    effects: ['CutRest'],
  },
];

test.each(ROWS)('$name', ({ given, input, state, effects }) => {
  const next = transition(given, input);
  expect(next.state).toMatchObject(state);
  expect(next.effects.map(({ kind }) => kind)).toEqual(effects);
});

test('what follows a failure is told to the rest with the failures so far', () => {
  const first = transition(PASSING, TIMEOUT);
  expect(first.effects.at(-1)).toEqual({
    kind: 'Rest',
    after: { kind: 'Retry', pace: 'Normal' },
    failures: 1,
    untilMs: Infinity,
  });
});

const REVISION = fc.constantFrom(R1, R2);
const INPUT: fc.Arbitrary<HubInput> = fc.oneof(
  fc.constantFrom<HubInput>(
    { kind: 'Connected' },
    { kind: 'LeaseHeld', isNew: true },
    { kind: 'LeaseHeld', isNew: false },
    { kind: 'LeaseTaken', pollMs: 1 },
    { kind: 'SuspensionsRead' },
    { kind: 'PassEnded', end: 'Superseded' },
    COMPLETE,
    { kind: 'ListEmpty', message: 'nothing' },
    TIMEOUT,
    { kind: 'TurnBroken', message: 'a bug' },
    { kind: 'LeaseLost' },
    { kind: 'Wake' },
    { kind: 'SuspensionsChanged', expiryMs: 1 },
    { kind: 'RestEnded', nowMs: 2, expiryMs: 3 },
    { kind: 'QueueIdle', uncounted: 0 },
  ),
  REVISION.map((revision): HubInput => ({ kind: 'Declared', revision, expiryMs: Infinity })),
);

/** Inputs that the step of a phase can end with; others may come at any time. */
const ENDS: Readonly<Record<Phase, readonly HubInput['kind'][]>> = {
  Connecting: ['Connected', 'TurnFailed', 'TurnBroken'],
  Acquiring: ['LeaseHeld', 'LeaseTaken', 'SuspensionsRead', 'TurnFailed', 'TurnBroken'],
  Passing: ['PassEnded', 'ListEmpty', 'TurnFailed', 'TurnBroken'],
  Resting: ['RestEnded'],
  Stopped: [],
};
const STEP_ENDS = new Set(Object.values(ENDS).flat());
const STEPS: ReadonlySet<HubEffect['kind']> = new Set([
  'Connect',
  'AcquireLease',
  'ReadSuspensions',
  'MakePass',
  'Rest',
]);

describe('whatever happens', () => {
  test('exactly one step runs or one rest waits, until the loop is stopped', () => {
    fc.assert(
      fc.property(fc.array(INPUT, { maxLength: 60 }), (inputs) => {
        let state = FRESH;
        for (const input of inputs) {
          if (STEP_ENDS.has(input.kind) && !ENDS[state.phase].includes(input.kind)) continue;
          const { phase } = state;
          const next = transition(state, input);
          const begun = next.effects.filter(({ kind }) => STEPS.has(kind)).length;
          const hasEnded = STEP_ENDS.has(input.kind) || next.effects.some(({ kind }) => kind === 'CutRest');
          expect(begun, `${input.kind} in ${phase}`).toBe(hasEnded ? 1 : 0);
          state = next.state;
        }
      }),
    );
  });

  test('a revision is applied only after a whole pass that began with it', () => {
    fc.assert(
      fc.property(fc.array(INPUT, { maxLength: 60 }), (inputs) => {
        let state = FRESH;
        const passed = new Set<string>();
        for (const input of inputs) {
          if (STEP_ENDS.has(input.kind) && !ENDS[state.phase].includes(input.kind)) continue;
          if (input === COMPLETE) passed.add(state.passing?.revision ?? '');
          state = transition(state, input).state;
          expect([undefined, ...passed]).toContain(state.appliedRevision);
        }
      }),
    );
  });

  test('nothing follows the stop', () => {
    const stopped = transition(PASSED, { kind: 'Stop' }).state;
    fc.assert(
      fc.property(INPUT, (input) => {
        expect(transition(stopped, input)).toEqual({ state: stopped, effects: [] });
      }),
    );
  });
});
