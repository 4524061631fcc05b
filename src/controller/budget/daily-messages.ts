// IoT Hub's documented limit on messages a day, by tier and units.
import type { Capacity } from '../../model/declared.ts';

export const DAY_MS = 24 * 60 * 60 * 1_000;

/** Messages a day and unit (documentation "IoT Hub quotas and throttling"); a free hub has one unit. */
const DAILY_MESSAGES: Readonly<Record<string, number>> = { '1': 400_000, '2': 6_000_000, '3': 300_000_000 };
const DAILY_MESSAGES_FREE = 8_000;

/** Of the whole hub, whoever spends them. */
export function dailyMessages({ tier, units }: Capacity): number {
  if (tier.startsWith('F')) return DAILY_MESSAGES_FREE;
  return (DAILY_MESSAGES[tier.slice(-1)] ?? DAILY_MESSAGES_FREE) * units;
}
