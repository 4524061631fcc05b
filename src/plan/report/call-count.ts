// What carrying out an action asks of the hub: calls, and messages of its daily quota.
import type { Twin } from '../../model/twin.ts';
import { writes, type TwinAction } from '../../model/action.ts';

/** Calls by class, and what they cost. All zero where nothing is written. */
export interface CallCount {
  /** Direct reads of twins. */
  readonly reads: number;
  /** Patches of twins. */
  readonly writes: number;
  /** Modules created. */
  readonly creations: number;
  /** Messages of the hub's daily quota, by the size of what it answers. An estimate. */
  readonly messages: number;
}

export const NO_CALLS: CallCount = { reads: 0, writes: 0, creations: 0, messages: 0 };

/** The service meters each answer by these steps (documentation "IoT Hub quotas and throttling"). */
const MESSAGE_BYTES = 4_096;

/** `live` is the twin that the action was decided on. Each write follows a direct read; the first of an owner reads the device too. */
export function callsOf(action: TwinAction, live: Twin | undefined): CallCount {
  if (!writes(action)) return NO_CALLS;
  // Nothing, the device, the new twin; then its first configuration.
  if (action.type === 'Create') return { reads: 3, writes: 1, creations: 1, messages: 4 };
  const before = bytesOf(live);
  const deviceReads = action.needs.deviceTwin ? 1 : 0;
  return {
    reads: 1 + deviceReads,
    writes: 1,
    creations: 0,
    messages: messagesOf(before) + deviceReads + messagesOf(before + bytesOf(action.patch)),
  };
}

export function addCalls(a: CallCount, b: CallCount): CallCount {
  return {
    reads: a.reads + b.reads,
    writes: a.writes + b.writes,
    creations: a.creations + b.creations,
    messages: a.messages + b.messages,
  };
}

/** What one direct read of the twin costs. */
export function readMessages(twin: Twin): number {
  return messagesOf(bytesOf(twin));
}

function messagesOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / MESSAGE_BYTES));
}

function bytesOf(value: object | undefined): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}
