// The change feed port over the embedded hub, without a network.
import { asChange, LIFECYCLE, TWIN_CHANGES, type Change } from '../model/change.ts';
import { HubError } from '../model/errors.ts';
import { freezeJson } from '../model/json.ts';
import type { ChangeFeed } from '../ports/change-feed.ts';
import { hubNameOf } from '../model/hub-name.ts';
import type { ChangeEvent } from './hub/change-events.ts';
import type { IotHub } from './hub/iot-hub.ts';

export interface InProcessFeed extends ChangeFeed {
  /** Number of open watches. */
  readonly watching: number;
  /** Fails every open and future watch, until called without an error. */
  fail(error: HubError | undefined): void;
}

/** Uses the hub's one listener. Reports each change in a later turn, after the answer to its write. */
export function inProcessFeed(hub: IotHub): InProcessFeed {
  const watches = new Set<{ readonly tell: (change: Change) => void; readonly end: (error: HubError) => void }>();
  const facts = {
    events: 0,
    twinChangeAtMs: undefined as number | undefined,
    lifecycleAtMs: undefined as number | undefined,
  };
  const hubName = hubNameOf(hub.hostName);
  let failure: HubError | undefined;
  hub.listen((event) => {
    const { source, atMs } = event;
    facts.events += 1;
    if (source === TWIN_CHANGES) facts.twinChangeAtMs = atMs;
    if (source === LIFECYCLE) facts.lifecycleAtMs = atMs;
    const change = changeOf(hubName, event);
    if (change === undefined) return;
    queueMicrotask(() => {
      for (const { tell } of watches) tell(change);
    });
  });
  return {
    get watching() {
      return watches.size;
    },
    fail(error) {
      failure = error;
      if (error !== undefined) for (const { end } of watches) end(error);
    },
    watch: ({ onOpen, onChange }, signal) =>
      new Promise((_, reject) => {
        const stop = (): void => one.end(stopped());
        const one = {
          tell: onChange,
          end: (error: HubError) => {
            watches.delete(one);
            signal.removeEventListener('abort', stop);
            reject(error);
          },
        };
        if (signal.aborted) return stop();
        if (failure !== undefined) return reject(failure);
        signal.addEventListener('abort', stop, { once: true });
        watches.add(one);
        onOpen();
      }),
    probe: async (signal) => {
      if (signal.aborted) throw stopped();
      if (failure !== undefined) throw failure;
      return { ...facts, hubNames: new Set(facts.events === 0 ? [] : [hubName]) };
    },
  };
}

/** As received from the event endpoint; undefined if it is not a change of an identity or a twin. */
export function changeOf(hubName: string, event: ChangeEvent): Change | undefined {
  const { source, operation, deviceId, moduleId, body } = event;
  return asChange(source, { hubName, deviceId, moduleId, opType: operation }, freezeJson(body));
}

function stopped(): HubError {
  return new HubError('Aborted', 'Stopped while watching for changes.');
}
