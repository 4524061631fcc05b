// The cost in one line: calls, time at our pace, the share of the hub's daily messages.
import type { Cost, Pace } from '../../controller/budget/cost.ts';
import type { Style } from './style.ts';
import { countOf, formatCount } from './table.ts';

/** Empty if nothing is written. */
export function costText(cost: Cost, style: Style): string[] {
  const { writes, creations, messages, pace } = cost;
  if (writes === 0) return [];
  const created = creations === 0 ? '' : `, ${countOf(creations, 'module')} created`;
  const what = `${countOf(writes, 'write')}${created}`;
  const head = style.dim('Cost'.padEnd(8));
  if (pace === undefined) {
    return [
      `${head} ${what}, about ${countOf(messages, 'message')}; no capacity is declared, so calls are not limited`,
    ];
  }
  return [`${head} ${what} ${paceText(pace)}, ${shareText(messages, pace, style)}`];
}

/** For reading lists with this number of pages. */
export function readCostText(pages: number, { messages, pace }: Cost): string {
  const what = `about ${countOf(messages, 'message')}`;
  if (pace === undefined) return `${what}; no capacity is declared, so calls are not limited`;
  const share = formatShare(messages / pace.dailyMessages);
  return `${what} (${share} of ${formatCount(pace.dailyMessages)} a day), ${formatTime(pages / pace.queriesPerSecond)}`;
}

function paceText({ writesPerSecond, hubWritesPerSecond, seconds }: Pace): string {
  const share = formatShare(writesPerSecond / hubWritesPerSecond);
  return `at ${round(writesPerSecond)}/s (${share} of ${round(hubWritesPerSecond)}/s), ${formatTime(seconds)}`;
}

function shareText(messages: number, { dailyMessages, dailyShare }: Pace, style: Style): string {
  const share = `${formatShare(messages / dailyMessages)} of ${formatCount(dailyMessages)} a day`;
  const text = `about ${countOf(messages, 'message')} (${share})`;
  if (messages <= dailyShare) return text;
  return `${text}, ${style.yellow(`more than our share of ${formatCount(Math.round(dailyShare))}`)}`;
}

/** `0.3 %`, `19 %`, `less than 0.1 %`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return 'less than 0.1 %';
  return `${percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

/** `9 s`, `about 4 min`, `about 2.5 h`. */
export function formatTime(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = seconds / 60;
  return minutes < 90 ? `about ${Math.round(minutes)} min` : `about ${Number((minutes / 60).toFixed(1))} h`;
}

function round(rate: number): string {
  return formatCount(Number(rate.toFixed(rate < 10 ? 1 : 0)));
}
