// Stores the lease, the suspensions and the last approval on the reserved device: one read of its twin serves all three.
import { HubError } from '../../model/errors.ts';
import type { JsonObject } from '../../model/json.ts';
import { reservedDeviceId, RESERVED_TAG } from '../../model/reserved-device.ts';
import { mergePatchBetween } from '../../model/json.ts';
import { tooLarge } from '../../model/twin-size.ts';
import type { FleetFacts, FleetState } from '../../ports/fleet-state.ts';
import type { ReservedDevice } from '../../ports/hub.ts';
import type { LeaseEntry, LeaseStore } from '../../ports/lease.ts';
import { orMissing } from '../queue/optional-read.ts';
import { composeLease, composeSuspensions, readReserved, type ReservedTwin } from './reserved-twin.ts';

const TRIES_MAX = 5;
const STATUS_REASON = 'Reserved by Twinward for its lease and suspensions; it is no device.';

/** Creates the device with the first write. */
export class ReservedStore implements LeaseStore, FleetState {
  readonly #hub: ReservedDevice;
  readonly #deviceId: string;
  #last: ReservedTwin | undefined;

  /** The hub is not budgeted, as a renewal must not queue behind the work that it allows, and not closed here. */
  constructor(hub: ReservedDevice, instance: string) {
    this.#hub = hub;
    this.#deviceId = reservedDeviceId(instance);
  }

  /** As last read or written; undefined before the first read. */
  get last(): ReservedTwin | undefined {
    return this.#last;
  }

  async read(signal: AbortSignal): Promise<ReservedTwin> {
    this.#last = readReserved(await orMissing(this.#hub.getDeviceTwin(this.#deviceId, signal)));
    return this.#last;
  }

  async write(
    entry: LeaseEntry | undefined,
    version: string,
    signal: AbortSignal,
  ): Promise<ReservedTwin & { readonly isWritten: boolean }> {
    let isWritten = false;
    const stored = await this.#swap(({ leaseVersion, raw }) => {
      isWritten = leaseVersion === version;
      const { lease: _, ...rest } = raw;
      const next = entry === undefined ? rest : { ...rest, lease: composeLease(entry) };
      return isWritten ? next : undefined;
    }, signal);
    return { ...stored, isWritten };
  }

  change(change: (facts: FleetFacts) => Partial<FleetFacts>, signal: AbortSignal): Promise<ReservedTwin> {
    return this.#swap((twin) => {
      const { suspensions, approved } = change(twin);
      const next = {
        ...twin.raw,
        ...(suspensions === undefined ? {} : { suspensions: composeSuspensions(suspensions) }),
        ...(approved === undefined ? {} : { approved: { ...approved, shapes: [...approved.shapes] } }),
      };
      if (suspensions?.length === 0) delete next.suspensions;
      const problem = tooLarge({ [RESERVED_TAG]: next }, {});
      if (problem === undefined) return next;
      throw new HubError('TooLarge', `There is no room for more suspensions: ${problem}. End some of them first.`);
    }, signal);
  }

  /**
   * Patches the twin as last read or written to what `compose` returns, and composes again from a new read where the
   * etag has moved. Patches nothing where it returns undefined. Resolves with the twin as it is then.
   */
  async #swap(compose: (twin: ReservedTwin) => JsonObject | undefined, signal: AbortSignal): Promise<ReservedTwin> {
    for (let tries = 1; ; tries += 1) {
      const found = this.#last ?? (await this.read(signal));
      const twin = found.etag === '' ? await this.#create(signal) : found;
      const next = compose(twin);
      if (next === undefined) return twin;
      const tags = { [RESERVED_TAG]: mergePatchBetween(twin.raw, next) ?? {} };
      try {
        this.#last = readReserved(await this.#hub.patchDeviceTwin(this.#deviceId, tags, twin.etag, signal));
        return this.#last;
      } catch (error) {
        if (!(error instanceof HubError) || error.code !== 'PreconditionFailed') throw error;
        this.#last = undefined;
        if (tries === TRIES_MAX) throw error;
      }
    }
  }

  async #create(signal: AbortSignal): Promise<ReservedTwin> {
    try {
      await this.#hub.createDevice(this.#deviceId, { status: 'disabled', statusReason: STATUS_REASON }, signal);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      if (error.code !== 'AlreadyExists') throw explainCreation(error, this.#deviceId);
    }
    this.#last = readReserved(await this.#hub.getDeviceTwin(this.#deviceId, signal));
    return this.#last;
  }
}

/** Every installation makes this call, and it is the only one that writes to the registry. */
function explainCreation(error: HubError, deviceId: string): HubError {
  if (error.code !== 'Unauthorized') return error;
  const hint = `The lease is kept on the device "${deviceId}": let the credential create it, or create it yourself, disabled.`;
  return new HubError(error.code, `${error.message} ${hint}`, { serviceCode: error.serviceCode, cause: error });
}
