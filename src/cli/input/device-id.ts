// Device ids as typed: refuses an invalid id before any call, and reports an unknown one.
import { CliFailure } from '../failure.ts';
import { EXIT } from '../exit-code.ts';

/** IoT Hub's rule (documentation "Identity registry", device identity properties). */
const DEVICE_ID = /^[\w\-:.+%#*?!(),=@;$']{1,128}$/;

export function requireDeviceId(text: string): void {
  if (DEVICE_ID.test(text)) return;
  throw new CliFailure(
    EXIT.Failed,
    text === '' ? 'The id of the device is empty.' : `${JSON.stringify(text)} can not be the id of a device.`,
    "An id has 1 to 128 letters, digits or characters of - : . + % _ # * ? ! ( ) , = @ ; $ ' and no other.",
  );
}

export function noDevice(deviceId: string, hubNames: readonly string[]): CliFailure {
  const hubs = `${hubNames.length === 1 ? 'hub' : 'hubs'} ${hubNames.join(', ')}`;
  return new CliFailure(
    EXIT.Failed,
    `There is no device "${deviceId}" on ${hubs}.`,
    'Ids are case-sensitive. `npx twinward get devices` lists those that the manifests manage.',
  );
}
