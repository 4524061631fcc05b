// The metered hub counts and times every call, page by page, and changes nothing about it.
import { describe, expect, test } from 'vitest';
import { meteredHub } from '../../src/adapters/metered-hub.ts';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { HubError } from '../../src/model/errors.ts';
import type { Hub } from '../../src/ports/hub.ts';
import { hubWithModule, MODULE } from '../emulator/hub/new-hub.ts';

const { signal } = new AbortController();

interface Metered {
  readonly hub: Hub;
  /** `code method` for each call counted. */
  readonly counted: string[];
  /** `method seconds` for each call timed. */
  readonly timed: string[];
  readonly wait: (ms: number) => void;
}

/** Each reading of the clock is a second after the one before. */
function metered(change: (hub: Hub) => Hub = (hub) => hub): Metered {
  const { hub: iot } = hubWithModule();
  for (let index = 0; index < 205; index += 1) iot.createDevice(`d${index}`, {});
  const counted: string[] = [];
  const timed: string[] = [];
  let now = 0;
  const hub = meteredHub(change(inProcessHub(iot)), {
    host: 'h',
    clock: { now: () => (now += 1_000), schedule: () => () => {} },
    metrics: {
      count: (name, { code, method, host }) => void counted.push([name, code, method, host].join(' ')),
      observe: (name, { method, host }, value) => void timed.push([name, method, host, value].join(' ')),
      gauge: () => {},
    },
  });
  return { hub, counted, timed, wait: (ms) => void (now += ms) };
}

const counter = (code: string, method: string): string => `rest_client_requests_total ${code} ${method} h`;
const timer = (method: string): string => `rest_client_request_duration_seconds ${method} h 1`;

test('calls are counted and timed by method, whatever comes of them', async () => {
  const { hub, counted, timed } = metered();
  const twin = await hub.getModuleTwin(MODULE, signal);
  await hub.getDeviceTwin('d', signal);
  await hub.patchModuleTwin(MODULE, { tags: { a: 1 } }, twin.etag, signal);
  await hub.createModule({ deviceId: 'd', moduleId: 'n' }, signal);
  await hub.countDevices(signal);
  await expect(hub.patchModuleTwin(MODULE, {}, twin.etag, signal)).rejects.toMatchObject({
    code: 'PreconditionFailed',
  });
  await expect(hub.getDeviceTwin('none', signal)).rejects.toBeInstanceOf(HubError);
  const calls = [
    ['OK', 'getModuleTwin'],
    ['OK', 'getDeviceTwin'],
    ['OK', 'patchModuleTwin'],
    ['OK', 'createModule'],
    ['OK', 'countDevices'],
    ['PreconditionFailed', 'patchModuleTwin'],
    ['NotFound', 'getDeviceTwin'],
  ] as const;
  expect(counted).toEqual(calls.map(([code, method]) => counter(code, method)));
  expect(timed).toEqual(calls.map(([, method]) => timer(method)));
});

describe('lists', () => {
  test('are counted by page, and the rows are those of the hub', async () => {
    const { hub, counted } = metered();
    let rows = 0;
    for await (const page of hub.listDevices(signal)) rows += page.length;
    expect(rows).toBe(206);
    expect(counted).toEqual(Array.from({ length: 3 }, () => counter('OK', 'listDevices')));
  });

  test('are timed from their turn on', async () => {
    const { hub, timed, wait } = metered();
    const turn = async (): Promise<void> => wait(60_000);
    for await (const page of hub.listModuleTwins(['m'], signal, { turn })) expect(page).toHaveLength(1);
    expect(timed).toEqual([timer('listModuleTwins')]);
  });

  test('that are left early are left in the hub too', async () => {
    let isLeft = false;
    const { hub } = metered((inner) => ({
      ...inner,
      async *listModuleTwins() {
        try {
          for (;;) yield [];
        } finally {
          isLeft = true;
        }
      },
    }));
    for await (const page of hub.listModuleTwins(['m'], signal)) {
      expect(page).toEqual([]);
      break;
    }
    expect(isLeft).toBe(true);
  });

  test('that fail are counted with their code', async () => {
    const { hub, counted } = metered();
    const pages = hub.listModuleTwins(['m'], AbortSignal.abort())[Symbol.asyncIterator]();
    await expect(pages.next()).rejects.toMatchObject({ code: 'Aborted' });
    expect(counted).toEqual([counter('Aborted', 'listModuleTwins')]);
  });

  test('are not counted where their turn never came', async () => {
    const { hub, counted } = metered();
    const turn = (): Promise<void> => Promise.reject(new HubError('Aborted', 'Stopped.'));
    const pages = hub.listDevices(signal, { turn })[Symbol.asyncIterator]();
    await expect(pages.next()).rejects.toMatchObject({ code: 'Aborted' });
    expect(counted).toEqual([]);
  });
});

test('what is no HubError is a bug, counted as one and passed on', async () => {
  const bug = new TypeError('x');
  const { hub, counted } = metered((inner) => ({ ...inner, countDevices: () => Promise.reject(bug) }));
  await expect(hub.countDevices(signal)).rejects.toBe(bug);
  expect(counted).toEqual([counter('Bug', 'countDevices')]);
});

test('closing goes through', () => {
  let closed = 0;
  const { hub } = metered((inner) => ({ ...inner, close: () => void (closed += 1) }));
  hub.close();
  expect(closed).toBe(1);
});
