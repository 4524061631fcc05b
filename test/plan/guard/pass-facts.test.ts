// The facts of a pass that guards judge.
import { expect, test } from 'vitest';
import { gatherFacts } from '../../../src/plan/guard/pass-facts.ts';
import { riskContext } from '../../../src/plan/guard/risk.ts';
import { declare, plan, settled, twinOf } from '../fixture.ts';

const BOTH = { kept: { set: { a: 1 } }, lost: { set: { b: 1 } } };
const TWIN = settled(declare(BOTH, { exceptions: { inc: { set: { c: 1 } } } }), twinOf());

test.each([
  ['what twins know and the source does not', false, ['SecurityConfiguration/lost']],
  ['nothing where the source is only a part', true, []],
])('of configurations that are missing: %s', (_sentence, partial, ownersMissing) => {
  const declared = declare({ kept: BOTH.kept }, { partial });
  const gatherer = gatherFacts(riskContext({ declared, instance: 'default' }));
  gatherer.add({ action: plan(declared, TWIN), twin: TWIN, risks: 0 });
  expect(gatherer.facts(1, undefined)).toMatchObject({ devices: 1, owners: 2, ownersMissing });
});
