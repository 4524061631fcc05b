// The text of an event: a sentence or a few, the same wherever it is shown.
import { isWriteEvent, type ControllerEvent, type SourceEvent } from '../../model/event.ts';
import type { Suspension } from '../../model/suspension.ts';
import { changesText } from '../../plan/report/change-text.ts';

export function eventMessage(event: ControllerEvent): string {
  // What changes nothing says what it is for.
  if (isWriteEvent(event)) return event.changes.length === 0 ? (event.detail ?? '') : changesText(event.changes);
  switch (event.reason) {
    case 'ModuleCreated':
      return 'It was missing, and a configuration asks for it.';
    case 'Recovered':
      return `${event.from} is over.`;
    case 'NotAcknowledged':
      return event.detail ?? 'The agent is connected and does not answer.';
    case 'WriteFailed':
      return `The last write failed (${event.failure}); the log has more.`;
    case 'ChangeApproved':
      return `Approved as ${event.approval.fingerprint}@${event.approval.count}.`;
    case 'WaitingForLease':
      return `Waiting for ${event.holder} (${event.kind}) to release the lease.`;
    case 'LeaseAcquired':
      return 'This controller writes from now on.';
    case 'LeaseLost':
      return `Nothing is written until it is held again: ${event.why}.`;
    case 'SuspensionsChanged':
      return suspensionsText(event.suspensions);
    case 'Loaded':
      return `Revision ${event.revision} is loaded.`;
    case 'ReadFailed':
      return event.detail + keptText(event);
    case 'InvalidManifests':
      return problemText(event) + keptText(event);
    case 'SourceEmpty':
      return NO_MANIFEST + keptText(event);
    default:
      return event.detail ?? 'The agent gives no reason.';
  }
}

const NO_MANIFEST = 'There is no manifest at all; that removes nothing. To mean it, keep at least the Hub.';

function keptText({ kept }: { readonly kept: string | undefined }): string {
  return kept === undefined ? '' : ` Revision ${kept} still decides.`;
}

function problemText({ diagnostic, errors }: Extract<SourceEvent, { readonly reason: 'InvalidManifests' }>): string {
  if (diagnostic === undefined) return 'The manifests can not be used.';
  const { code, file, line, message } = diagnostic;
  return `${code} ${file}:${line}: ${message}${errors === 1 ? '' : ` (and ${errors - 1} more)`}`;
}

const SUSPENSIONS_SHOWN_MAX = 5;

function suspensionsText(inForce: readonly Suspension[]): string {
  if (inForce.length === 0) return 'Nothing is suspended any more.';
  const shown = inForce
    .slice(0, SUSPENSIONS_SHOWN_MAX)
    .map((one) => `${one.scope === 'All' ? 'everything' : `${one.scope.toLowerCase()} ${one.name}`} by ${one.who}`);
  const more = inForce.length - shown.length;
  return `Suspended: ${[...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')}.`;
}
