// The verdict of the guards on a plan, in one line, and what would release a refused change.
import type { Guard } from '../../model/guard.ts';
import type { GuardDecision } from '../../plan/guard/guards.ts';
import { formatShare } from './cost-text.ts';
import type { Style } from './style.ts';
import { formatCount } from './table.ts';

/** Guards that count twins; the others appear only if they refuse. */
const COUNTED: Partial<Record<Guard, string>> = {
  TooManyChanged: 'changed',
  TooManyRemoved: 'removed',
  TooManyUnassigned: 'unassigned',
  TooManyCreated: 'created',
};

/** Empty if no guard counts or refuses anything and there is no approval. `devices`: number on the hub. */
export function guardsText(
  { checks, message, isApproved, approval, idleApproval }: GuardDecision,
  devices: number,
  style: Style,
): string[] {
  const counted = checks.filter(({ guard }) => COUNTED[guard] !== undefined);
  const notes = [message, idleApproval].filter((note) => note !== undefined).map((note) => `${INDENT}${note}`);
  if (notes.length === 0 && counted.every(({ count }) => count === 0)) return [];
  const terms = counted.map(({ guard, count, limit, isRefused }) => {
    const share = count === 0 || devices === 0 ? '' : ` (${formatShare(count / devices)})`;
    const most = limit === undefined ? '' : ` ${isRefused ? '>' : '≤'} ${formatCount(limit)}`;
    return `${COUNTED[guard]} ${formatCount(count)}${share}${most}`;
  });
  const verdict =
    message !== undefined ? style.red('REFUSED') : isApproved ? `approved as ${approval ?? ''}` : style.green('OK');
  const line = `${style.dim('Guards'.padEnd(8))} ${terms.join('   ')}   ${verdict}`;
  return [line, ...notes];
}

const INDENT = ' '.repeat(9);
