// IoT Hub's documented limits on operations a second, by tier and units.
import type { Capacity } from '../../model/declared.ts';
import type { Throttle } from '../../ports/map-hub.ts';

/** The same for every tier. */
const CONFIGURATIONS = 20 / 60;

/**
 * Operations a second that one hub allows all its clients together (documentation "IoT Hub quotas and throttling"):
 * queries and registry operations grow with the units, twin operations of S1 do not. Basic tiers count like S1; they
 * have no twins.
 */
export function rates({ tier, units }: Capacity): Readonly<Record<Throttle, number>> {
  const size = tier.slice(-1);
  if (size === '3') {
    return {
      queries: (1_000 / 60) * units,
      twinReads: 500 * units,
      twinWrites: 250 * units,
      registry: (5_000 / 60) * units,
      configurations: CONFIGURATIONS * units,
    };
  }
  const growth = size === '2' ? units : 0;
  return {
    queries: (20 / 60) * units,
    twinReads: Math.max(100, 10 * growth),
    twinWrites: Math.max(50, 5 * growth),
    registry: (100 / 60) * units,
    configurations: CONFIGURATIONS * units,
  };
}
