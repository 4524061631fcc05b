// Who runs this process: for the lease and for suspensions, so that others know whom to ask.
import { hostname, userInfo } from 'node:os';
import { valueOf, type World } from '../world.ts';

const HOLDER_DIGITS = 6;
const BASE = 36;

/** user@host, as the environment or else the system says; a claim, not a proof. */
export function whoIs({ env }: Pick<World, 'env'>): string {
  const user = valueOf(env, 'USER') ?? valueOf(env, 'LOGNAME') ?? valueOf(env, 'USERNAME') ?? systemUser();
  const host = valueOf(env, 'HOSTNAME') ?? valueOf(env, 'COMPUTERNAME') ?? hostname();
  return `${user}@${host}`;
}

/** In a container the user may have a number alone. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/** The same with something that no other process has. */
export function holderName({ env, random }: Pick<World, 'env' | 'random'>): string {
  const number = Math.floor(random.next() * BASE ** HOLDER_DIGITS);
  return `${whoIs({ env })}/${number.toString(BASE).padStart(HOLDER_DIGITS, '0')}`;
}
