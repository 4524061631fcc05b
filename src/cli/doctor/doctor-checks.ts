// Checks of the manifests against a hub before the first write, each with its fix.
import { readHubDate } from '../../adapters/hub-date.ts';
import { isLoopback } from '../../adapters/credentials.ts';
import { dailyMessages } from '../../controller/budget/daily-messages.ts';
import { affordablePeriodMs } from '../../controller/budget/resync-pace.ts';
import { AutomaticWriters } from '../../controller/context/automatic-writers.ts';
import type { Declared, DeclaredHub } from '../../model/declared.ts';
import type { Connected } from '../connect/connect.ts';
import { countOthers } from '../render/count-devices.ts';
import { formatTime } from '../render/cost-text.ts';
import { checkEvents } from './doctor-events.ts';
import { attempt, ok, refused, type Attempt, type Finding } from '../render/finding.ts';
import { countOf, formatCount } from '../render/table.ts';
import type { World } from '../world.ts';

interface Patient {
  readonly world: World;
  readonly declared: Declared;
  readonly declaredHub: DeclaredHub;
  readonly connected: Connected;
  readonly instance: string;
  /** The hub's device count; undefined before the call or if it failed. */
  readonly devices: number | undefined;
}

/** Runs each check whatever the results of the others; independent ones last. */
export async function examineHub(patient: Omit<Patient, 'devices'>): Promise<Finding[]> {
  const { world, connected, instance } = patient;
  const clock = await checkClock(patient);
  if (clock.verdict === 'failed' && clock.code !== undefined) return [clock];
  const counted = await attempt(() => countOthers(connected.hub, instance, world.interrupted));
  const devices = 'value' in counted ? counted.value : undefined;
  const whole = { ...patient, devices };
  const registry =
    'value' in counted
      ? ok('registry read', `${countOf(counted.value, 'device')} counted`)
      : refused('registry read', counted.error, 'It needs registry read: see docs/hub-sign-in.md.');
  return [
    ...checkPlace(patient),
    clock,
    registry,
    await checkReading(whole),
    ...(await checkWriting(whole)),
    checkMode(whole),
    ...checkCapacity(whole),
    await checkEvents({ ...whole, passMessages: passMessages(devices) }),
    ...(await checkOtherWriters(whole)),
  ];
}

/** The policy of every hub with all rights, even those of its devices. */
const OWNER_POLICY = 'iothubowner';

/** The embedded hub on this machine needs no protection. */
export function checkCredential({
  hostName,
  endpoint,
  policy,
  mode,
}: Pick<Connected, 'hostName' | 'endpoint' | 'policy' | 'mode'>): Finding {
  if (policy !== OWNER_POLICY || isLoopback(endpoint)) return ok('credential', `one for ${hostName}`);
  const write = mode === 'Enforce' ? ', registry write' : '';
  return {
    check: 'credential',
    verdict: 'warning',
    message: `one for ${hostName}, of the policy ${OWNER_POLICY}, which has more rights than needed`,
    fix: `Create a policy with only registry read${write} and service connect: see docs/hub-sign-in.md.`,
  };
}

const SKEW_WARNING_S = 30;
/** This clock dates the tokens; IoT Hub refuses one that begins or ends too far off. */
const SKEW_FAILED_S = 240;

const START_FIX = 'A hub on this machine must run: `npm start` runs the demo, `twinward hub` an embedded hub alone.';

/** The embedded hub has a host name of the cloud, but is not called there. */
function checkPlace({ connected: { endpoint, hostName } }: Omit<Patient, 'devices'>): Finding[] {
  if (!isLoopback(endpoint)) return [];
  return [
    ok('address', `${endpoint}, on this machine; the name ${hostName} is only that of its certificate and credential`),
  ];
}

async function checkClock({ world, connected }: Omit<Patient, 'devices'>): Promise<Finding> {
  const date = await attempt(() => readHubDate(connected, world.interrupted));
  if ('error' in date) {
    const fix = isLoopback(connected.endpoint) ? START_FIX : 'Check the name of the hub and the network.';
    return refused('address', date.error, fix);
  }
  const skew = Math.round(Math.abs(world.clock.now() - date.value) / 1_000);
  const message = `${connected.endpoint} answers; the clocks are ${skew < 2 ? 'alike' : `${formatTime(skew)} apart`}`;
  if (skew < SKEW_WARNING_S) return ok('clock', message);
  const fix = 'Set the clock of this machine: the hub refuses tokens that seem expired.';
  return { check: 'clock', verdict: skew < SKEW_FAILED_S ? 'warning' : 'failed', message, fix };
}

const PERMISSION_FIX = 'It needs service connect (Entra: IoT Hub Twin Contributor): see docs/hub-sign-in.md.';

/** One page of devices, then one twin directly. */
async function checkReading({ world, connected: { hub } }: Patient): Promise<Finding> {
  const signal = world.interrupted;
  const read = await attempt(async () => {
    for await (const page of hub.listDevices(signal)) {
      const [first] = page;
      if (first !== undefined) await hub.getDeviceTwin(first.deviceId, signal);
      return page.length;
    }
    return 0;
  });
  return 'value' in read
    ? ok('read twins', 'lists and direct reads work')
    : refused('read twins', read.error, PERMISSION_FIX);
}

/**
 * Tests on a device that does not exist: with the right, the hub answers that it is missing, otherwise that the right
 * is.
 */
async function checkWriting({ world, connected: { hub, mode } }: Patient): Promise<Finding[]> {
  if (mode === 'Observe') return [];
  const signal = world.interrupted;
  const deviceId = `twinward-doctor-${Math.floor(world.random.next() * 1e12).toString(36)}`;
  const ref = { deviceId, moduleId: 'absent' };
  const twins = await attempt(() => hub.patchModuleTwin(ref, { tags: {} }, 'AAAAAAAAAAE=', signal));
  const registry = await attempt(() => hub.deleteDevice(deviceId, signal));
  return [
    isMissing(twins) ? ok('write twins', 'allowed') : refusedOr('write twins', twins, PERMISSION_FIX),
    isMissing(registry)
      ? ok('registry write', 'allowed')
      : refusedOr(
          'registry write',
          registry,
          'The lease needs a device of its own, and modules that are created need it too (Entra: IoT Hub Registry ' +
            'Contributor): see docs/hub-sign-in.md.',
        ),
  ];
}

function checkMode({ declaredHub, connected: { mode } }: Patient): Finding {
  if (mode === 'Enforce') return ok('mode', 'Enforce: differences are written');
  const why =
    declaredHub.mode === undefined ? 'no mode is declared, and the hub is not on this machine' : 'as declared';
  return {
    check: 'mode',
    verdict: 'ok',
    message: `Observe: nothing is written (${why})`,
    fix: 'Once the plan is right, set `mode: Enforce` on the Hub.',
  };
}

/** Estimated messages to list a device and its security module. */
const MESSAGES_PER_DEVICE = 0.8;
const PERIOD_WARNING_MS = 60 * 60_000;

function passMessages(devices = 0): number {
  return Math.ceil(devices * MESSAGES_PER_DEVICE);
}

function checkCapacity({ declaredHub, connected: { capacity, endpoint }, devices = 0 }: Patient): Finding[] {
  if (capacity === undefined) return [ok('capacity', 'not declared; calls to a hub on this machine are not limited')];
  const { tier, units } = capacity;
  const pass = passMessages(devices);
  const periodMs = affordablePeriodMs(0, pass, capacity, declaredHub.budget);
  const daily = dailyMessages(capacity);
  const text =
    `${tier} with ${countOf(units, 'unit')}, ${formatCount(daily)} messages a day; one pass over ` +
    `${formatCount(devices)} devices takes about ${formatCount(pass)}, so our share allows one every ${formatTime(periodMs / 1_000).replace('about ', '')}`;
  if (declaredHub.capacity === undefined && !isLoopback(endpoint)) {
    const fix = 'Declare the real one in the Hub: `capacity: {tier: S1, units: 2}`.';
    return [{ check: 'capacity', verdict: 'warning', message: `assumed, as none is declared: ${text}`, fix }];
  }
  if (periodMs <= PERIOD_WARNING_MS) return [ok('capacity', text)];
  const fix = 'Drift is found late. Raise `budget.dailyMessages` of the Hub, or add units.';
  return [{ check: 'capacity', verdict: 'warning', message: text, fix }];
}

async function checkOtherWriters({ world, declared, connected: { hub } }: Patient): Promise<Finding[]> {
  const automatic = new AutomaticWriters();
  await automatic.list(hub, world.interrupted);
  const notes = automatic.conclude(declared);
  if (notes.length === 0) return [ok('automatic configurations', 'none writes a declared setting')];
  const fix = 'Delete it on the hub, or remove the settings from the manifests.';
  return notes.map((message) => ({ check: 'automatic configurations', verdict: 'warning' as const, message, fix }));
}

function isMissing(tried: Attempt<unknown>): boolean {
  return 'error' in tried && tried.error.code === 'NotFound';
}

function refusedOr(check: string, tried: Attempt<unknown>, fix: string): Finding {
  if ('error' in tried) return refused(check, tried.error, fix);
  return { check, verdict: 'failed', message: 'the hub wrote to a device that does not exist' };
}
