// Failover to another region that lacks the last writes.
import type { HubContext } from './context.ts';
import type { RecentHistory } from './history.ts';
import { type HubRecord, refFromKey } from './record.ts';

/**
 * Restores every record to its state that long ago, limited by the history: etags and versions go backwards, deleted
 * records return, new ones disappear. Connections stay. Returns the number of changed records.
 */
export function failOver(hub: HubContext, history: RecentHistory, lossMs: number): number {
  const backTo = Math.max(hub.clock.now() - lossMs, history.startsAtMs);
  const put: HubRecord[] = [];
  const removed: HubRecord[] = [];
  let changed = 0;
  for (const key of history.keys()) {
    const live = hub.state.find(refFromKey(key));
    const before = history.seen(key, live, ({ atMs }) => atMs <= backTo);
    if (before === live) continue;
    changed += 1;
    const isSame = live?.sequence === before?.sequence;
    if (live !== undefined && !isSame) removed.push(live);
    if (before !== undefined) put.push(isSame ? withConnectionOf(before, live) : { ...before, connected: false });
  }
  if (changed === 0) return 0;
  const refs = removed.map(({ deviceId, moduleId }) => ({ deviceId, moduleId }));
  // Devices before their modules, as at creation.
  hub.state.commit({ put: put.toSorted((a, b) => a.sequence - b.sequence), removed: refs });
  hub.connections.drop(refs);
  return changed;
}

function withConnectionOf(record: HubRecord, live: HubRecord | undefined): HubRecord {
  if (live === undefined) return record;
  const { connected, connectionUpdatedAt, activeAt } = live;
  return { ...record, connected, connectionUpdatedAt, activeAt };
}
