// `twinward suspend` and `twinward resume`: stop and resume writing in an emergency; stored on the hub, not in git.
import { changeSuspensions, isSameSubject, withSuspension, type Subject } from '../../controller/lease/suspensions.ts';
import { orMissing } from '../../controller/queue/optional-read.ts';
import type { Declared } from '../../model/declared.ts';
import { closest } from '../../model/similarity.ts';
import type { Suspension } from '../../model/suspension.ts';
import { endedSuspensionText, namedSuspensionText } from '../../plan/select/suspensions.ts';
import { noDevice, requireDeviceId } from '../input/device-id.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { whoIs } from '../connect/identity.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { writeDocument, type Format } from '../render/report.ts';
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
  /** Milliseconds; undefined: until `resume`. */
  readonly for?: number;
}

export async function suspend(world: World, options: SuspendOptions): Promise<ExitCode> {
  const subject = subjectOf(options);
  const declared = await readDeclared(world, options, options.output, 'errors');
  requireKnown(declared, subject);
  const untilMs = options.for === undefined ? undefined : world.clock.now() + options.for;
  const suspension: Suspension = { ...subject, who: whoIs(world), reason: reasonOf(options.reason), untilMs };
  const changed: ChangedHub[] = [];
  const asked: string[] = [];
  await withWrittenHubs(world, declared, options, async (name, session) => {
    asked.push(name);
    if (!(await isThere(world, session, subject))) return;
    const change: Change = (inForce) => withSuspension(inForce, suspension);
    changed.push({ name, suspensions: await changeHub(world, session, change) });
  });
  if (changed.length === 0) throw nowhere(subject, asked);
  if (options.output === 'json') writeDocument(world, 'Suspensions', { hubs: changed.map(hubFields) });
  else world.out.write(changed.map((hub) => inForceText(hub, 'suspended')).join(''));
  return EXIT.Ok;
}

interface ResumedHub extends ChangedHub {
  readonly resumed: readonly Suspension[];
}

/** `--all` ends every suspension. Fails if the named subject is not suspended, because of a possible typo. */
export async function resume(world: World, options: ResumeOptions): Promise<ExitCode> {
  const subject = subjectOf(options);
  const declared = await readDeclared(world, options, options.output, 'errors');
  const isMeant = (one: Suspension): boolean => subject.scope === 'All' || isSameSubject(one, subject);
  const hubs: ResumedHub[] = [];
  await withWrittenHubs(world, declared, options, async (name, session) => {
    const { suspensions } = session;
    const resumed = suspensions.filter(isMeant);
    const change: Change = (inForce) => inForce.filter((one) => !isMeant(one));
    // Without a suspension to end, write nothing and do not create the reserved device.
    const left = resumed.length === 0 ? suspensions : await changeHub(world, session, change);
    hubs.push({ name, resumed, suspensions: left });
  });
  if (hubs.length === 0) throw nowhere(subject, []);
  if ('name' in subject && hubs.every(({ resumed }) => resumed.length === 0)) throw notSuspended(subject.name, hubs);
  if (options.output === 'json') {
    const fields = hubs.map((hub) => ({ ...hubFields(hub), resumed: hub.resumed.map(suspensionFields) }));
    writeDocument(world, 'Suspensions', { hubs: fields });
  } else {
    world.out.write(resumedText(hubs));
  }
  return EXIT.Ok;
}

function notSuspended(wanted: string, hubs: readonly ResumedHub[]): CliFailure {
  const all = hubs.flatMap(({ suspensions }) => suspensions);
  const meant = closest(
    wanted,
    all.flatMap((one) => ('name' in one ? one.name : [])),
  );
  const places = `${hubs.length === 1 ? 'hub' : 'hubs'} ${hubs.map(({ name }) => name).join(', ')}`;
  const suspendedText =
    all.length === 0 ? 'Nothing is suspended there.' : `Suspended: ${all.map(subjectText).join(', ')}.`;
  const hint = meant === undefined ? suspendedText : `Did you mean "${meant}"?`;
  return new CliFailure(EXIT.Failed, `"${wanted}" is not suspended on ${places}; nothing was changed.`, hint);
}

function subjectText(suspension: Suspension): string {
  return 'name' in suspension ? suspension.name : 'everything';
}

function resumedText(hubs: readonly ResumedHub[]): string {
  const texts = hubs.map((hub) => {
    const { name, resumed, suspensions } = hub;
    const lines = resumed.map((one) => `  ${endedSuspensionText(one)}\n`).join('');
    const ended = resumed.length === 0 ? '' : `${name}   resumed:\n${lines}`;
    return (
      ended + (suspensions.length === 0 ? `${name}   nothing is suspended\n` : inForceText(hub, 'still suspended'))
    );
  });
  const isAny = hubs.some(({ resumed }) => resumed.length > 0);
  return texts.join('') + (isAny ? NEXT_TEXT : '');
}

const NEXT_TEXT =
  'A controller resumes writing within a minute or at its next pass; without one, use `twinward apply`.\n';

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
  throw new CliFailure(EXIT.Failed, 'Give exactly one of --configuration NAME, --device ID and --all.');
}

/** A misspelt name would suspend nothing, unnoticed. */
function requireKnown({ configurations, exceptions }: Declared, subject: Subject): void {
  if (subject.scope !== 'Configuration') return;
  const names = [...configurations, ...exceptions].map(({ name }) => name);
  if (names.includes(subject.name)) return;
  const meant = closest(subject.name, names);
  throw new CliFailure(
    EXIT.Failed,
    `The manifests have no configuration or exception "${subject.name}".`,
    meant === undefined ? `They have: ${names.join(', ') || 'none'}.` : `Did you mean "${meant}"?`,
  );
}

interface ChangedHub {
  readonly name: string;
  /** In force now. */
  readonly suspensions: readonly Suspension[];
}

type Change = (inForce: readonly Suspension[]) => readonly Suspension[];

/** Skips observed hubs, which get no writes at all. */
async function withWrittenHubs(
  world: World,
  declared: Declared,
  options: HubChoice,
  run: (name: string, session: HubSession) => Promise<void>,
): Promise<void> {
  await withHubs(world, declared, options, async (session) => {
    const { name } = session.declaredHub;
    if (session.mode === 'Observe') {
      world.err.write(`Hub ${name} is only observed: Twinward writes nothing there, so there is nothing to suspend.\n`);
    } else {
      await run(name, session);
    }
  });
}

function changeHub(
  { clock, interrupted }: World,
  { reserved: state }: HubSession,
  change: Change,
): Promise<readonly Suspension[]> {
  return changeSuspensions({ state, nowMs: clock.now() }, change, interrupted);
}

async function isThere({ interrupted }: World, { hub }: HubSession, subject: Subject): Promise<boolean> {
  if (subject.scope !== 'Device') return true;
  return (await orMissing(hub.getDeviceTwin(subject.name, interrupted))) !== undefined;
}

function nowhere(subject: Subject, asked: readonly string[]): CliFailure {
  if (subject.scope === 'Device' && asked.length > 0) return noDevice(subject.name, asked);
  return new CliFailure(
    EXIT.Failed,
    'None of the chosen hubs has mode Enforce.',
    'Choose one with --hub, or set `mode: Enforce` on it.',
  );
}

function inForceText({ name, suspensions }: ChangedHub, head: string): string {
  return `${name}   ${head}:\n${suspensions.map((one) => `  ${namedSuspensionText(one)}\n`).join('')}`;
}

function hubFields({ name, suspensions }: ChangedHub): object {
  return { name, suspensions: suspensions.map(suspensionFields) };
}

function suspensionFields({ untilMs, ...facts }: Suspension): object {
  return { ...facts, ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }) };
}
