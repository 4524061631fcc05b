// `twinward suspend` and `twinward resume`: break-glass, kept on the hub and not in git, for whoever can't wait for git.
import { changeSuspensions, isSameSubject, withSuspension, type Subject } from '../../controller/suspensions.ts';
import { orMissing } from '../../controller/reads.ts';
import type { Declared } from '../../model/declared.ts';
import { closest } from '../../model/similarity.ts';
import type { Suspension } from '../../model/suspension.ts';
import { namedSuspensionText } from '../../plan/suspended.ts';
import { noDevice, requireDeviceId } from '../device-id.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { whoIs } from '../identity.ts';
import { readDeclared, type SourceOptions } from '../manifests.ts';
import { withHubs, type HubChoice, type HubSession } from '../plan-hub.ts';
import { writeDocument, type Format } from '../report.ts';
import type { World } from '../world.ts';

interface SubjectOptions {
  readonly all?: boolean;
  readonly configuration?: string;
  readonly device?: string;
}

export interface ResumeOptions extends SourceOptions, HubChoice, SubjectOptions {
  readonly output: Format;
}

export interface SuspendOptions extends ResumeOptions {
  readonly reason: string;
  /** Milliseconds; until somebody resumes without it. */
  readonly for?: number;
}

export async function suspend(world: World, options: SuspendOptions): Promise<ExitCode> {
  const subject = subjectOf(options);
  const declared = await readDeclared(world, options, options.output, 'errors');
  requireKnown(declared, subject);
  const untilMs = options.for === undefined ? undefined : world.clock.now() + options.for;
  const suspension: Suspension = { ...subject, who: whoIs(world), reason: reasonOf(options.reason), untilMs };
  return changeAll(world, declared, options, subject, (inForce) => withSuspension(inForce, suspension));
}

/** `--all` ends every suspension there is. */
export async function resume(world: World, options: ResumeOptions): Promise<ExitCode> {
  const subject = subjectOf(options);
  const declared = await readDeclared(world, options, options.output, 'errors');
  return changeAll(world, declared, options, subject, (inForce) =>
    subject.scope === 'All' ? [] : inForce.filter((one) => !isSameSubject(one, subject)),
  );
}

const REASON_LENGTH_MAX = 200;

function reasonOf(text: string): string {
  const reason = text.trim();
  if (reason.length > 0 && reason.length <= REASON_LENGTH_MAX) return reason;
  throw new CliFailure(EXIT.Failed, `The reason must have 1 to ${REASON_LENGTH_MAX} characters.`);
}

function subjectOf({ all, configuration, device }: SubjectOptions): Subject {
  const subjects: Subject[] = [
    ...(all === true ? [{ scope: 'All' } as const] : []),
    ...(configuration === undefined ? [] : [{ scope: 'Configuration', name: configuration } as const]),
    ...(device === undefined ? [] : [{ scope: 'Device', name: device } as const]),
  ];
  const [subject] = subjects;
  if (subject?.scope === 'Device') requireDeviceId(subject.name);
  if (subject !== undefined && subjects.length === 1) return subject;
  throw new CliFailure(EXIT.Failed, 'Say exactly one of --configuration NAME, --device ID and --all.');
}

/** A name with a slip would suspend nothing, and nobody would notice. */
function requireKnown({ configurations, exceptions }: Declared, subject: Subject): void {
  if (subject.scope !== 'Configuration') return;
  const names = [...configurations, ...exceptions].map(({ name }) => name);
  if (names.includes(subject.name)) return;
  const meant = closest(subject.name, names);
  throw new CliFailure(
    EXIT.Failed,
    `The manifests have no configuration or exception "${subject.name}".`,
    meant === undefined ? `They have: ${names.join(', ')}.` : `Did you mean "${meant}"?`,
  );
}

interface ChangedHub {
  readonly name: string;
  readonly suspensions: readonly Suspension[];
}

async function changeAll(
  world: World,
  declared: Declared,
  options: ResumeOptions,
  subject: Subject,
  change: (inForce: readonly Suspension[]) => readonly Suspension[],
): Promise<ExitCode> {
  const changed: ChangedHub[] = [];
  const asked: string[] = [];
  await withHubs(world, declared, options, async (session) => {
    const { name } = session.declaredHub;
    if (session.mode !== 'Observe') asked.push(name);
    if (!(await isThere(world, session, subject))) return;
    const place = { hub: session.hub, instance: options.instance, nowMs: world.clock.now() };
    changed.push({ name, suspensions: await changeSuspensions(place, change, world.interrupted) });
  });
  if (changed.length === 0) throw nowhere(subject, asked);
  if (options.output === 'json') writeDocument(world, 'Suspensions', { hubs: changed.map(hubFields) });
  else world.out.write(changed.map(hubText).join(''));
  return EXIT.Ok;
}

/** What is only observed is not written to, not even here. */
async function isThere(world: World, { hub, mode, declaredHub }: HubSession, subject: Subject): Promise<boolean> {
  if (mode === 'Observe') {
    world.err.write(`Hub ${declaredHub.name} is only observed: nothing on it is written, so nothing is suspended.\n`);
    return false;
  }
  if (subject.scope !== 'Device') return true;
  return (await orMissing(hub.getDeviceTwin(subject.name, world.interrupted))) !== undefined;
}

function nowhere(subject: Subject, asked: readonly string[]): CliFailure {
  if (subject.scope === 'Device' && asked.length > 0) return noDevice(subject.name, asked);
  return new CliFailure(EXIT.Failed, 'No hub that is written to was chosen.');
}

function hubText({ name, suspensions }: ChangedHub): string {
  if (suspensions.length === 0) return `${name}   nothing is suspended\n`;
  return `${name}   suspended:\n${suspensions.map((one) => `  ${namedSuspensionText(one)}\n`).join('')}`;
}

function hubFields({ name, suspensions }: ChangedHub): object {
  return {
    name,
    suspensions: suspensions.map(({ untilMs, ...facts }) => ({
      ...facts,
      ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
    })),
  };
}
