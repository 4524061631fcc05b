// The place of the connection string for a hub's change events.
import { expect, test } from 'vitest';
import { document, file, load } from './fixture.ts';

test.each([
  ['', undefined],
  [', events: {secretRef: {env: DEV_EVENTS}}', { env: 'DEV_EVENTS' }],
  [', events: {secretRef: {file: secrets/events}}', { file: 'hubs/secrets/events' }],
  [', events: {secretRef: {file: /run/secrets/events}}', { file: '/run/secrets/events' }],
])('"%s" is kept as a reference', (fields, events) => {
  const { declared } = load(file('hubs/dev.yaml', document('Hub', 'dev', `{hostName: a.example${fields}}`)));
  expect(declared?.hubs[0]?.events).toEqual(events);
});
