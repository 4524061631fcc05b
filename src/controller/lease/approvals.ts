// Remembers the last approval on the hub, so that the next holder can finish its work after a crash.
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import { HubError } from '../../model/errors.ts';
import type { FleetFacts, FleetState } from '../../ports/fleet-state.ts';
import type { Log } from '../../ports/log.ts';

/** Shapes of one approval that are stored; after a crash a larger one needs a new approval. */
const SHAPES_MAX = 100;

/** Resolves with what is stored afterwards; undefined where nothing was stored. Never rejects for the world's failures. */
export async function rememberApproval(
  state: FleetState,
  approved: EarlierApproval,
  log: Log,
  signal: AbortSignal,
): Promise<FleetFacts | undefined> {
  if (approved.shapes.length > SHAPES_MAX) return undefined;
  try {
    return await state.change(() => ({ approved }), signal);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    log.warn('The approval was not remembered; after a crash it is needed again', { code: error.code });
    return undefined;
  }
}
