// Kills the controller repeatedly while its manifests and the fleet change: in the end the twins match the last
// manifests, nothing was written twice, and no foreign setting was changed.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { deepEqual, type JsonObject } from '../../src/model/json.ts';
import { RESERVED_TAG, reservedDeviceId } from '../../src/model/reserved-device.ts';
import { createSeededRandom, type SeededRandom } from '../../src/model/seeded-random.ts';
import type { Twin } from '../../src/model/twin.ts';
import { ownersIn, SECTIONS, settingIn, userKeys } from '../simulation/oracle.ts';
import {
  declaredFor,
  enforceAll,
  isGranted,
  MODULES,
  mutatePolicy,
  pick,
  randomPolicy,
  selects,
  toFiles,
  type Policy,
  type ProfileName,
} from '../simulation/policy.ts';
import { getLocal, startProgram, type Running } from '../support/program.ts';
import { startHub, type HubProcess } from './hub-process.ts';
import { Witness, type Watched } from './witness.ts';

export interface KillOptions {
  readonly folder: string;
  readonly seed: number;
  readonly kills: number;
  readonly devices: number;
  /** No write may happen for this long at the end. */
  readonly quietMs: number;
}

export interface KillReport {
  readonly kills: number;
  /** Of one that had written something and had not written all. */
  readonly killsAtWork: number;
  readonly commits: number;
  /** Writes by other hands: settings of their own, settings of ours, tags of devices. */
  readonly intrusions: number;
  /** Of the controller: those with settings, and those of only the record. */
  readonly writes: { readonly settings: number; readonly records: number };
  readonly quietWrites: number;
  readonly violations: readonly string[];
}

const HOST_NAME = 'sim.azure-devices.net';
const CONNECTED_MS_MAX = 60_000;
const CONVERGED_MS_MAX = 180_000;
const POLL_MS = 200;
/** Shares of the rounds in which something happens, and how long after its start a controller lives. */
const COMMIT_SHARE = 0.7;
const INTRUSION_SHARE = 0.5;
const EARLY_SHARE = 0.2;
const LIFE_MS = 1_200;
/** For the events of the last writes to come. */
const DRAIN_MS = 150;
/** In one commit. */
const CHANGES_MAX = 4;
/** Exceptions end long after the test. */
const START_MS = systemClock.now() + 3_600_000;
const ANY = { 'if-match': '"*"' };

export async function killRepeatedly(options: KillOptions): Promise<KillReport> {
  const { folder, seed, kills, devices } = options;
  const more = ['--events-port', '0', '--host-name', HOST_NAME, '--fleet', String(devices), '--seed', String(seed)];
  const hub = await startHub(join(folder, 'hub'), more);
  const witness = new Witness(hub.facts.eventsConnectionString ?? '');
  try {
    const scene = new Scene(folder, hub, witness, createSeededRandom(seed));
    await scene.begin();
    for (let round = 0; round < kills && witness.violations.length === 0; round += 1) await scene.round();
    const quietWrites = witness.violations.length === 0 ? await scene.end(options.quietMs) : 0;
    const { killsAtWork, commits, intrusions } = scene;
    return {
      kills,
      killsAtWork,
      commits,
      intrusions,
      writes: witness.writes,
      quietWrites,
      violations: witness.violations,
    };
  } finally {
    await witness.close();
    await hub.kill('SIGKILL');
  }
}

class Scene {
  killsAtWork = 0;
  commits = 0;
  intrusions = 0;
  readonly #folder: string;
  readonly #hub: HubProcess;
  readonly #witness: Witness;
  readonly #random: SeededRandom;
  #policy: Policy;

  constructor(folder: string, hub: HubProcess, witness: Witness, random: SeededRandom) {
    this.#folder = folder;
    this.#hub = hub;
    this.#witness = witness;
    this.#random = random;
    this.#policy = { ...randomPolicy(random), maxChanged: undefined };
  }

  async begin(): Promise<void> {
    mkdirSync(join(this.#folder, 'manifests'));
    this.#commit(this.#policy);
    const found = [];
    for (const { deviceId } of await this.#read<readonly { deviceId: string }[]>('/devices')) {
      const { tags } = await this.#read<Twin>(`/twins/${deviceId}`);
      this.#witness.noteTags(deviceId, tags ?? {}, 0);
      for (const { moduleId } of await this.#read<readonly { moduleId: string }[]>(`/devices/${deviceId}/modules`)) {
        const profile = (Object.keys(MODULES) as ProfileName[]).find((name) => MODULES[name] === moduleId);
        if (profile === undefined) continue;
        found.push({ deviceId, moduleId, profile, ...(await this.#readTwin({ deviceId, moduleId })) });
      }
    }
    this.#witness.watch(found);
  }

  /** Runs one controller until it is killed. */
  async round(): Promise<void> {
    const random = this.#random;
    // Before the start, then it is written as soon as there is a connection, or in the middle of what it does.
    const isBefore = random.next() < 0.5;
    if (isBefore) this.#change();
    const before = this.#writes();
    const controller = this.#start();
    const isEarly = random.next() < EARLY_SHARE;
    if (!isEarly) await within(CONNECTED_MS_MAX, controller.printed(/"msg":"Connected"/));
    const lifeMs = random.next() * LIFE_MS;
    const happenings: (() => Promise<void> | void)[] = [
      ...(!isBefore && random.next() < COMMIT_SHARE ? [() => this.#change()] : []),
      ...(random.next() < INTRUSION_SHARE ? [() => this.#intrude()] : []),
    ];
    for (const happen of happenings) {
      await wait((lifeMs / happenings.length) * random.next());
      await happen();
    }
    await wait(lifeMs / 2);
    controller.kill('SIGKILL');
    await controller.ended;
    await wait(DRAIN_MS);
    if (this.#writes() > before && this.#isWorkLeft()) this.killsAtWork += 1;
    this.#checkLog(controller);
    await this.#freeLease();
  }

  /** The last run: it converges, stays at rest, and ends on request. Resolves with the number of writes at rest. */
  async end(quietMs: number): Promise<number> {
    this.#commit(enforceAll(this.#policy));
    const controller = this.#start();
    const [, port = ''] = await within(CONNECTED_MS_MAX, controller.printed(/"port":(\d+)/));
    await this.#converge(port);
    await this.#checkTwins();
    const before = this.#writes();
    await wait(quietMs);
    const quietWrites = this.#writes() - before;
    if (quietWrites > 0) this.#blame(`${quietWrites} writes while nothing happened`);
    controller.kill('SIGTERM');
    const code = await within(CONNECTED_MS_MAX, controller.ended);
    if (code !== 0) this.#blame(`the controller ended with ${String(code)} when it was asked to end`);
    this.#checkLog(controller);
    return quietWrites;
  }

  #start(): Running {
    const { connectionString, endpoint, caFile } = this.#hub.facts;
    const argv = ['run', '-f', 'manifests', '--bind-address', '127.0.0.1:0', '--resync-period', '1s'];
    return startProgram(argv, {
      cwd: this.#folder,
      env: { IOTHUB_CONNECTION_STRING: connectionString, TWINWARD_HUB_ENDPOINT: endpoint, TWINWARD_HUB_CA: caFile },
    });
  }

  #change(): void {
    let policy = this.#policy;
    const count = 1 + Math.floor(this.#random.next() * CHANGES_MAX);
    for (let change = 0; change < count; change += 1) policy = mutatePolicy(policy, 0, this.#random);
    // A hub that is only observed, or where a guard holds all, would be a rest.
    this.#commit({ ...policy, hubMode: 'Enforce', maxChanged: undefined });
  }

  #commit(policy: Policy, approval?: string): void {
    const path = join(this.#folder, 'manifests', 'all.yaml');
    // Known before it can be read; whole at once, as a checkout is.
    this.#witness.notePolicy(policy, systemClock.now());
    writeFileSync(
      `${path}.new`,
      toFiles(policy, START_MS, approval)
        .map(({ text }) => text)
        .join('---\n'),
    );
    renameSync(`${path}.new`, path);
    this.#policy = policy;
    this.commits += 1;
  }

  /** Writes a foreign setting, changes one of ours, or moves a device to another site. */
  async #intrude(): Promise<void> {
    const random = this.#random;
    const { deviceId, moduleId, profile } = pick(random, [...this.#witness.twins()]);
    const draw = random.next();
    this.intrusions += 1;
    if (draw < 0.3) {
      const site = pick(random, ['lyon', 'porto', 'gdansk']);
      const tags = { ...this.#witness.tagsOf(deviceId), site };
      this.#witness.noteTags(deviceId, tags, systemClock.now());
      await this.#hub.call('PATCH', `/twins/${deviceId}`, { tags: { site } }, ANY);
      return;
    }
    const [section] = SECTIONS[profile];
    const theirs: JsonObject = { theirs: Math.floor(random.next() * 1_000) };
    const declared = [...declaredFor(this.#policy, profile, { tags: this.#witness.tagsOf(deviceId), atMs: 0 }).keys()];
    const isDrift = draw < 0.6 && declared.length > 0;
    const members: JsonObject = isDrift ? { [pick(random, declared)]: null } : theirs;
    const desired = section === undefined ? members : { [section]: members };
    await this.#hub.call('PATCH', `/twins/${deviceId}/modules/${moduleId}`, { properties: { desired } }, ANY);
  }

  /** The killed holder's lease expires after a minute and a half: clear it instead. */
  async #freeLease(): Promise<void> {
    const path = `/twins/${reservedDeviceId('default')}`;
    const { status } = await this.#hub.call('GET', path);
    if (status === 200) await this.#hub.call('PATCH', path, { tags: { [RESERVED_TAG]: { lease: null } } }, ANY);
  }

  #writes(): number {
    const { settings, records } = this.#witness.writes;
    return settings + records;
  }

  #isWorkLeft(): boolean {
    return [...this.#witness.twins()].some((one) => this.#problemsOf(one, one.twin).length > 0);
  }

  /** Until the controller says that all is done; what it asks a person to approve is approved. */
  async #converge(port: string): Promise<void> {
    const untilMs = systemClock.now() + CONVERGED_MS_MAX;
    let approved: string | undefined;
    for (;;) {
      const { body } = await getLocal(port, '/status');
      const { conditions, hubs, source } = JSON.parse(body) as ControllerSays;
      const ready = conditions.find(({ type }) => type === 'Ready');
      const isLast = hubs[0]?.lastAppliedRevision === source.lastAttemptedRevision;
      if (ready?.status === 'True' && isLast && hubs[0]?.pending === 0) return;
      const asked = /twinward\.dev\/approve: (\w+@\d+)/.exec(ready?.message ?? '')?.[1];
      if (asked !== undefined && asked !== approved) this.#commit(this.#policy, (approved = asked));
      if (systemClock.now() > untilMs) throw new Error(`not converged: ${body}`);
      await wait(POLL_MS);
    }
  }

  /** Compares direct reads with the meaning of the last manifests and with the events. */
  async #checkTwins(): Promise<void> {
    for (const followed of this.#witness.twins()) {
      const { twin } = await this.#readTwin(followed);
      for (const problem of this.#problemsOf(followed, twin)) this.#blame(problem);
      const { desired } = followed.twin.properties;
      if (!deepEqual(userKeys(desired), userKeys(twin.properties.desired)))
        this.#blame(`${followed.deviceId}: the change events tell of another twin than there is`);
    }
  }

  #problemsOf({ deviceId, profile }: Watched, twin: Twin): string[] {
    const tags = this.#witness.tagsOf(deviceId);
    const declared = declaredFor(this.#policy, profile, { tags, atMs: 0 });
    const problems = [...declared].flatMap(([key, wish]) => {
      const live = settingIn(profile, twin.properties.desired, key);
      return isGranted(wish, live)
        ? []
        : [`${deviceId}: ${key} is ${JSON.stringify(live)}, not ${JSON.stringify(wish.value)}`];
    });
    for (const [owner, { keys }] of ownersIn(twin)) {
      const configuration = this.#policy.configurations.find(({ name }) => owner === `SecurityConfiguration/${name}`);
      if (configuration === undefined) problems.push(`${deviceId}: the record names ${owner}, which is gone`);
      // A configuration of that name for another agent has left this module, and its values stay.
      else if (configuration.profile !== profile) continue;
      else if (selects(configuration, tags) && keys.some((key) => !declared.has(key)))
        problems.push(`${deviceId}: ${owner} is recorded as the owner of an undeclared setting`);
    }
    return problems;
  }

  #checkLog(controller: Running): void {
    const bug = controller
      .text()
      .split('\n')
      .find((line) => line.includes('"level":"error"') || line.includes('Bug in'));
    if (bug !== undefined) this.#blame(`the controller said: ${bug}`);
  }

  #blame(problem: string): void {
    this.#witness.violations.push(problem);
  }

  async #read<T>(path: string): Promise<T> {
    const { status, body } = await this.#hub.call('GET', path);
    if (status !== 200) throw new Error(`${path}: ${status}`);
    return body as unknown as T;
  }

  async #readTwin({ deviceId, moduleId }: Pick<Watched, 'deviceId' | 'moduleId'>) {
    const twin = await this.#read<Twin & { version: number }>(`/twins/${deviceId}/modules/${moduleId}`);
    return { twin, version: twin.version };
  }
}

interface ControllerSays {
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  readonly hubs: readonly { readonly lastAppliedRevision?: string; readonly pending: number }[];
  readonly source: { readonly lastAttemptedRevision?: string };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.schedule(ms, resolve);
  });
}

async function within<T>(ms: number, run: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = systemClock.schedule(ms, () => reject(new Error(`nothing within ${ms / 1_000} s`)));
  try {
    return await Promise.race([run, promise]);
  } finally {
    cancel();
  }
}
