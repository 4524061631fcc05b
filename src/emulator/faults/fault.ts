// The faults that can be ordered, and which calls each strikes.
import type { ServiceCode } from '../hub/service-error.ts';
import type { OperationClass } from '../throttles/operations.ts';
import type { HubAction } from './actions.ts';

/** Before the hub's own work, or after it: what was written has landed, and the client does not hear of it. */
export type FaultMoment = 'before' | 'after';

/** What goes wrong with a whole call. `when` is before unless said. */
export type CallFault =
  | { readonly kind: 'latency'; readonly ms: number; readonly when?: FaultMoment }
  /** Any code of the service: 429, 5xx, and those that lie. */
  | { readonly kind: 'refusal'; readonly code: ServiceCode; readonly when?: FaultMoment }
  /** The connection is cut without an answer. */
  | { readonly kind: 'reset'; readonly when?: FaultMoment }
  /** Something befalls the hub while the call is under way. */
  | { readonly kind: 'action'; readonly action: HubAction; readonly when?: FaultMoment };

/** What goes wrong with one page of a query, answered with 200. */
export interface PageFault {
  readonly kind:
    /** Its rows are passed over; those of the next page come in their place. */
    | 'droppedPage'
    /** No rows, and nothing says that more would follow. */
    | 'emptyPage'
    /** Its rows, and nothing says that more would follow. */
    | 'missingContinuation'
    /** Its rows, and a continuation cut in half, which the hub will not take. */
    | 'truncatedContinuation';
}

export type Fault = CallFault | PageFault;

/** Which calls: those to which everything given applies. In the patterns `*` is any run of characters. */
export interface FaultMatch {
  readonly classes?: readonly OperationClass[];
  readonly isWrite?: boolean;
  /** `/twins/edge-*`; of a path without escapes and without a slash at its end. */
  readonly path?: string;
  readonly deviceId?: string;
  /** Of calls that name a module; `*` is any of them. */
  readonly moduleId?: string;
  /** For page faults only: what the query reads from. */
  readonly source?: 'devices' | 'modules';
}

/** Of the calls that match, in this order: not the first few, then every Nth, then by chance, then at most so many. */
export interface FaultRule {
  readonly name?: string;
  readonly on?: FaultMatch;
  readonly skip?: number;
  /** 3 strikes the third, the sixth and so on. */
  readonly every?: number;
  readonly probability?: number;
  readonly count?: number;
  readonly fault: Fault;
}

const PAGE_FAULTS: ReadonlySet<string> = new Set<PageFault['kind']>([
  'droppedPage',
  'emptyPage',
  'missingContinuation',
  'truncatedContinuation',
]);

export function isPageFault(fault: Fault): fault is PageFault {
  return PAGE_FAULTS.has(fault.kind);
}
