// What every group of paths is given.
import type { Context, Hono } from 'hono';
import type { FrontDoor } from '../front-door.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import type { Answers } from './answers.ts';
import type { Access, Caller } from './authorization.ts';

/** Throws where the caller may not, or the request lacks what all need; who calls, else. */
export type Check = (c: Context, access: Access) => Caller;

export interface Parts {
  readonly app: Hono;
  readonly hub: IotHub;
  readonly answers: Answers;
  readonly check: Check;
  readonly front: FrontDoor | undefined;
}
