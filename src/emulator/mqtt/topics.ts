// IoT Hub's topics: what a device may say and hear, and how requests and answers name each other.
import type { IdentityRef } from '../hub/record.ts';

export type DeviceMessage =
  | { readonly kind: 'getTwin' | 'report'; readonly requestId: string }
  /** Telemetry, and answers to methods: taken and not kept. */
  | { readonly kind: 'ignored' };

export const DESIRED_TOPIC = '$iothub/twin/PATCH/properties/desired/#';
const ANSWERS_TOPIC = '$iothub/twin/res/#';
const METHODS_TOPIC = '$iothub/methods/POST/#';

const GET_TWIN = /^\$iothub\/twin\/GET\/?\?\$rid=(.*)$/;
const REPORT = /^\$iothub\/twin\/PATCH\/properties\/reported\/?\?\$rid=(.*)$/;
const METHOD_ANSWER = /^\$iothub\/methods\/res\/\d+\/?\?\$rid=/;

/** Undefined where the device may not publish there: IoT Hub ends the connection. */
export function parseTopic(topic: string, ref: IdentityRef): DeviceMessage | undefined {
  const get = GET_TWIN.exec(topic);
  if (get !== null) return { kind: 'getTwin', requestId: get[1] ?? '' };
  const report = REPORT.exec(topic);
  if (report !== null) return { kind: 'report', requestId: report[1] ?? '' };
  if (METHOD_ANSWER.test(topic) || topic.startsWith(`${placeOf(ref)}/messages/events/`)) return { kind: 'ignored' };
  return undefined;
}

export function maySubscribe(topic: string, ref: IdentityRef): boolean {
  const place = placeOf(ref);
  return (
    [DESIRED_TOPIC, ANSWERS_TOPIC, METHODS_TOPIC].includes(topic) ||
    topic === `${place}/messages/devicebound/#` ||
    topic === `${place}/inputs/#`
  );
}

export function answerTopic(status: number, requestId: string, version?: number): string {
  const suffix = version === undefined ? '' : `&$version=${version}`;
  return `$iothub/twin/res/${status}/?$rid=${requestId}${suffix}`;
}

export function desiredTopic(version: number): string {
  return `$iothub/twin/PATCH/properties/desired/?$version=${version}`;
}

function placeOf({ deviceId, moduleId }: IdentityRef): string {
  return moduleId === undefined ? `devices/${deviceId}` : `devices/${deviceId}/modules/${moduleId}`;
}
