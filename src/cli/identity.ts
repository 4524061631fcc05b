// Who runs this process: for the lease and for suspensions, so that others know whom to ask.
import { hostname } from 'node:os';
import { valueOf, type World } from './world.ts';

const HOLDER_DIGITS = 6;
const BASE = 36;

/** user@host, as the environment says; a claim, not a proof. */
export function whoIs({ env }: Pick<World, 'env'>): string {
  const user = valueOf(env, 'USER') ?? valueOf(env, 'LOGNAME') ?? valueOf(env, 'USERNAME') ?? 'unknown';
  const host = valueOf(env, 'HOSTNAME') ?? valueOf(env, 'COMPUTERNAME') ?? hostname();
  return `${user}@${host}`;
}

/** The same with something that no other process has. */
export function holderName({ env, random }: Pick<World, 'env' | 'random'>): string {
  const number = Math.floor(random.next() * BASE ** HOLDER_DIGITS);
  return `${whoIs({ env })}/${number.toString(BASE).padStart(HOLDER_DIGITS, '0')}`;
}
