// A hub to test with: a clock that is set by hand, seeded randomness, and the journal it wrote.
import { IotHub, type IotHubOptions } from '../../../src/emulator/hub/iot-hub.ts';
import type { JournalRecord } from '../../../src/emulator/hub/journal.ts';
import { ServiceError } from '../../../src/emulator/hub/service-error.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';

export const START_MS = Date.UTC(2026, 10, 23, 17, 40);

export interface TestHub {
  readonly hub: IotHub;
  readonly options: IotHubOptions;
  readonly time: { now: number };
  readonly records: JournalRecord[];
}

export function newHub(overrides: Partial<IotHubOptions> = {}): TestHub {
  const time = { now: START_MS };
  const records: JournalRecord[] = [];
  const options: IotHubOptions = {
    hostName: 'acme-prod.azure-devices.net',
    clock: { now: () => time.now, schedule: () => () => {} },
    random: createSeededRandom(7),
    journal: { append: (record) => records.push(record) },
    ...overrides,
  };
  return { hub: new IotHub(options), options, time, records };
}

/** A hub with device `d` and its module `m`. */
export function hubWithModule(overrides: Partial<IotHubOptions> = {}): TestHub {
  const test = newHub(overrides);
  test.hub.createDevice('d', {});
  test.hub.putModule('d', 'm', {}, undefined);
  return test;
}

export const MODULE = { deviceId: 'd', moduleId: 'm' };

/** The refusal of the run. Fails if it succeeded. */
export function refusal(run: () => unknown): Pick<ServiceError, 'status' | 'code' | 'number' | 'text' | 'envelope'> {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { status, code, number, text, envelope } = error;
    return { status, code, number, text, envelope };
  }
  throw new Error('was not refused');
}
