// The faults that can be configured, and the calls that each strikes.
import type { ServiceCode } from '../hub/service-error.ts';
import type { OperationClass } from '../throttles/operations.ts';
import type { HubAction } from './actions.ts';

/** Before or after the hub executes the call; after, a write has landed, but the client gets no answer. */
export type FaultMoment = 'before' | 'after';

/** A fault of a whole call. `when` defaults to before. */
export type CallFault =
  | { readonly kind: 'latency'; readonly ms: number; readonly when?: FaultMoment }
  /** Any error code of the service: 429, 5xx, even misleading ones. */
  | { readonly kind: 'refusal'; readonly code: ServiceCode; readonly when?: FaultMoment }
  /** Cuts the connection without an answer. */
  | { readonly kind: 'reset'; readonly when?: FaultMoment }
  /** Applies an action to the hub during the call. */
  | { readonly kind: 'action'; readonly action: HubAction; readonly when?: FaultMoment };

/** A fault of one page of a query, answered with 200. */
export interface PageFault {
  readonly kind:
    /** Skips its rows; returns those of the next page. */
    | 'droppedPage'
    /** No rows and no continuation. */
    | 'emptyPage'
    /** Its rows, but no continuation. */
    | 'missingContinuation'
    /** Its rows, and half a continuation, which the hub refuses. */
    | 'truncatedContinuation';
}

export type Fault = CallFault | PageFault;

/** All given conditions must match. In patterns `*` is any run of characters. */
export interface FaultMatch {
  readonly classes?: readonly OperationClass[];
  readonly isWrite?: boolean;
  /** `/twins/edge-*`, matched against the path without escapes and without a trailing slash. */
  readonly path?: string;
  readonly deviceId?: string;
  /** Only calls with a module; `*` matches any module. */
  readonly moduleId?: string;
  /** Only for page faults: the source of the query. */
  readonly source?: 'devices' | 'modules';
}

/** Of the matching calls: skip the first ones, then strike every Nth, with a probability, up to a maximum. */
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
