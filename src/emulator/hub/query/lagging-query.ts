// Queries on a lagging index, page by page.
import type { RecentHistory } from '../history.ts';
import type { HubState } from '../state.ts';
import { type IndexLag, laggingIndex } from './lagging-index.ts';
import { type QueryOptions, type QueryPage, runQuery, type OtherWriters } from './query.ts';

interface LaggingTime {
  readonly nowMs: number;
  readonly lag: IndexLag;
  readonly history: RecentHistory;
}

/** With frozen pages, each continuation starts with the time of the first page. */
const FROZEN = /^t(\d{1,16})~(.*)$/s;

export function laggingQuery(
  state: HubState,
  { nowMs, lag, history }: LaggingTime,
  text: string,
  options: QueryOptions & OtherWriters,
): QueryPage {
  const [, frozenAt, inner] = FROZEN.exec(options.continuation ?? '') ?? [];
  const asOfMs = frozenAt === undefined ? nowMs : Number(frozenAt);
  const index = laggingIndex(state, history, lag, asOfMs);
  const page = runQuery(index, text, { ...options, continuation: inner ?? options.continuation });
  if (page.continuation === undefined || lag.frozenPages !== true) return page;
  return { ...page, continuation: `t${asOfMs}~${page.continuation}` };
}
