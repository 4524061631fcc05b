// Works on the keys of one hub's queue: under the lease, within the allowance for change events, until the loop stops.
import { HubError } from '../../model/errors.ts';
import { abortable } from '../queue/abortable.ts';
import { SETTLED, type Outcome } from '../queue/outcome.ts';
import { isUncounted, type Reconciled } from '../reconcile/reconcile.ts';
import { workOn } from '../reconcile/worker.ts';
import type { ConnectedHub } from './connect-hub.ts';

export class HubWorker {
  readonly #stopping = new AbortController();
  #within: { readonly lease: AbortSignal; readonly both: AbortSignal } | undefined;

  /** Ends what is in flight. */
  abort(): void {
    this.#stopping.abort();
  }

  async process(connected: ConnectedHub | undefined, key: string): Promise<Outcome> {
    // The first pass of the next lease re-checks every twin.
    if (connected === undefined || !connected.permit.isAllowed) return SETTLED;
    const { context, hints } = connected;
    const signal = this.#signalWithin(connected.permit.signal);
    const work = (): Promise<Reconciled> => workOn(context, key, signal);
    try {
      const reconciled = await abortable(hints?.run(key, work) ?? work(), signal, stopped);
      if (reconciled === undefined) return SETTLED;
      context.twins.setUncounted(key, isUncounted(reconciled.action));
      return reconciled.outcome;
    } catch (error) {
      // A call that does not end even when it is aborted must not keep the loop.
      if (!signal.aborted) throw error;
      return SETTLED;
    }
  }

  /** One signal for all work of a lease: each `AbortSignal.any` stays referenced by its sources. */
  #signalWithin(lease: AbortSignal | undefined): AbortSignal {
    if (lease === undefined) return this.#stopping.signal;
    if (lease !== this.#within?.lease) {
      this.#within = { lease, both: AbortSignal.any([this.#stopping.signal, lease]) };
    }
    return this.#within.both;
  }
}

export function stopped(): HubError {
  return new HubError('Aborted', 'Stopped.');
}
