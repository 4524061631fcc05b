// What an operator reads of a hub at the level of information.
import { expect, test } from 'vitest';
import { HubReporter } from '../../../src/controller/status/hub-reporter.ts';
import { TwinTable } from '../../../src/controller/twins/twin-table.ts';
import { createFleet, createLog, manifests, PROD, startOn, type Lines } from '../fixture.ts';
import { written } from '../../support/sample-events.ts';

const FIRST = manifests({ base: `${PROD}, settings: {usb: block, scan: PT6H}` });
const LESS = manifests({ base: `${PROD}, settings: {scan: PT6H}` });
/** Nobody can tell from the manifests that the two select the same devices. */
const TORN = manifests({
  base: `${PROD}, settings: {scan: PT6H}`,
  rival: 'selector: {matchExpressions: [{key: deviceId, operator: Exists}]}, settings: {scan: PT1H}',
});

function news({ lines }: Lines): string[] {
  return lines
    .filter(({ level, message }) => level !== 'debug' && /Twins|held/.test(message))
    .map(({ message, fields = {} }) =>
      [message, fields['twins'], fields['writes'], fields['reasons'], fields['device']].filter(Boolean).join(' '),
    );
}

test('what was written is told by reason once it is done, removals among it; drift is not told again', async () => {
  const fleet = createFleet(3);
  const { controller, source, log } = await startOn(fleet, FIRST);
  expect(news(log)).toEqual(['Twins written 3 FirstConfiguration 3']);
  source.set(LESS);
  await fleet.clock.advance(3_000);
  expect(news(log).slice(1)).toEqual(['Twins written 3 SettingRemoved 3']);
  await fleet.clock.advance(3_600_000);
  expect(news(log)).toHaveLength(2);
  await controller.stop();
});

test('writes are counted, and a twin may be written twice', () => {
  const log = createLog();
  const reporter = new HubReporter('dev', log, undefined);
  for (const reason of ['FirstConfiguration', 'ConfigurationChanged', 'ConfigurationChanged'] as const) {
    reporter.counting.record({ ...written('d1', 1, 2), reason });
  }
  reporter.summarize(new TwinTable());
  const reasons = 'ConfigurationChanged 2, FirstConfiguration 1';
  expect(log.lines).toEqual([{ level: 'info', message: 'Twins written', fields: { writes: 3, reasons } }]);
});

test('twins that are held are told with their reason and one of them, once, and when none is any more', async () => {
  const fleet = createFleet(2);
  const { controller, source, log } = await startOn(fleet, LESS);
  source.set(TORN);
  await fleet.clock.advance(3_600_000);
  source.set(LESS);
  await fleet.clock.advance(3_600_000);
  expect(news(log).slice(1)).toEqual(['Twins are held 2 Conflicted 2 d1', 'No twin is held any more']);
  await controller.stop();
});
