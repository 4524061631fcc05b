// The shared inputs of every group of paths.
import type { Context, Hono } from 'hono';
import type { FrontDoor } from '../front-door.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import type { Answers } from './answers.ts';
import type { Access, Caller } from './authorization.ts';

/** Returns how the caller authenticated; throws if the right, or a required part of the request, is missing. */
export type Check = (c: Context, access: Access) => Caller;

export interface Parts {
  readonly app: Hono;
  readonly hub: IotHub;
  readonly answers: Answers;
  readonly check: Check;
  readonly front: FrontDoor | undefined;
}
