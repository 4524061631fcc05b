// A lagging index for queries: every record as it was some time ago, and ghosts: records deleted since.
import { digestBytes } from '../../../model/digest.ts';
import { remembering } from '../../../model/lazy.ts';
import type { RecentHistory, RecordChange } from '../history.ts';
import { type HubRecord, refKey } from '../record.ts';
import type { HubState, RowSource } from '../state.ts';
import type { QueryIndex } from './candidates.ts';

/** In milliseconds. */
export interface IndexLag {
  readonly devices?: number;
  readonly modules?: number;
  /** Up to this much is added to a record's lag, always the same for the same record. */
  readonly spread?: number;
  /** How long deleted records stay listed, if longer than their lag. */
  readonly ghosts?: number;
  /** All pages of a query show the time of its first. Otherwise each shows its own, and rows may be old and new. */
  readonly frozenPages?: boolean;
}

/** How far back the index needs the history. */
export function lagMsMax({ devices = 0, modules = 0, spread = 0, ghosts = 0 }: IndexLag): number {
  return Math.max(Math.max(devices, modules) + spread, ghosts);
}

/** For one page: it reads the state and must not be used after a write. */
export function laggingIndex(state: HubState, history: RecentHistory, lag: IndexLag, nowMs: number): QueryIndex {
  function seen(key: string, live: HubRecord | undefined, source: RowSource): HubRecord | undefined {
    if (!history.has(key)) return live;
    const lagMs = (lag[source] ?? 0) + spreadOf(key, lag.spread ?? 0);
    const ghostMs = Math.max(lagMs, lag.ghosts ?? 0);
    const hasHappened = ({ atMs, isRemoval }: RecordChange): boolean => atMs <= nowMs - (isRemoval ? ghostMs : lagMs);
    return history.seen(key, live, hasHappened);
  }

  /** The past state of the same record; a recreated one of the same name has another place in the order. */
  function row(live: HubRecord, source: RowSource): HubRecord | undefined {
    const record = seen(refKey(live), live, source);
    return record?.sequence === live.sequence ? record : undefined;
  }

  /** Deleted records, and replaced ones of the same name, in the order of creation. */
  function ghosts(source: RowSource, deviceId?: string): HubRecord[] {
    const found: HubRecord[] = [];
    for (const removed of history.removed()) {
      const isModule = removed.moduleId !== undefined;
      if (isModule !== (source === 'modules') || (deviceId !== undefined && removed.deviceId !== deviceId)) continue;
      const live = state.find(removed);
      const record = seen(refKey(removed), live, source);
      if (record !== undefined && record.sequence !== live?.sequence) found.push(record);
    }
    return found.toSorted((a, b) => a.sequence - b.sequence);
  }

  return {
    *rows(source, from) {
      const waiting = ghosts(source).filter(({ sequence }) => sequence >= from);
      let next = 0;
      for (const live of state.rows(source, from)) {
        for (let ghost = waiting[next]; ghost !== undefined && ghost.sequence < live.sequence; ghost = waiting[next]) {
          yield ghost;
          next += 1;
        }
        const record = row(live, source);
        if (record !== undefined) yield record;
      }
      yield* waiting.slice(next);
    },
    rowsOfDevice(source, deviceId) {
      const live = state.rowsOfDevice(source, deviceId).map((record) => row(record, source));
      return [...live.filter((record) => record !== undefined), ...ghosts(source, deviceId)];
    },
  };
}

const SHARES = 0x1_00_00_00_00;

const shareOf = remembering(4_096, (key: string) => Number.parseInt(digestBytes(key).slice(0, 8), 16) / SHARES);

function spreadOf(key: string, spreadMs: number): number {
  return spreadMs === 0 ? 0 : Math.floor(shareOf(key) * spreadMs);
}
