// The input of a plan: manifests on disk or of a commit, and the earlier manifests if `--from` is given.
import { readRevision } from '../../adapters/git.ts';
import { loadedAt } from '../../manifest/expiry.ts';
import { loadManifests } from '../../manifest/load.ts';
import { isException, type Declared, type DeclaredConfiguration } from '../../model/declared.ts';
import { EXIT } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { declaredOrFail, pathsOf, readDeclared, type Shown, type SourceOptions } from './manifests.ts';
import type { Format } from '../render/report.ts';
import type { World } from '../world.ts';

export interface RevisionChoice {
  /** Compare with the manifests of this commit. */
  readonly from?: string;
  /** Plan the manifests of this commit instead of those on disk. */
  readonly to?: string;
}

export interface PlanInput {
  readonly declared: Declared;
  /** The earlier manifests; undefined without `--from`. */
  readonly base: { readonly name: string; readonly declared: Declared } | undefined;
}

export async function readPlanInput(
  world: World,
  options: SourceOptions & RevisionChoice,
  format: Format,
): Promise<PlanInput> {
  const { from, to } = options;
  const declared =
    to === undefined ? await readDeclared(world, options, format) : await readCommit(world, options, to, format, 'all');
  if (from === undefined) return { declared, base: undefined };
  // Problems of the earlier manifests matter only if they prevent the comparison.
  return { declared, base: { name: from, declared: await readCommit(world, options, from, format, 'errors') } };
}

async function readCommit(
  world: World,
  options: SourceOptions,
  revision: string,
  format: Format,
  shown: Shown,
): Promise<Declared> {
  const paths = pathsOf(world, options.file);
  if (paths.includes('-')) {
    throw new CliFailure(EXIT.Failed, 'Standard input has no commits.', 'Name files or folders of a git checkout.');
  }
  const { whole } = options;
  const snapshot = await readRevision(
    { revision, paths, ...(whole === undefined ? {} : { whole }) },
    world.interrupted,
  );
  const loaded = loadedAt(loadManifests(snapshot), world.clock.now());
  return declaredOrFail(world, { snapshot, loaded }, format, shown);
}

/** A configuration or an exception that changed. */
export interface ChangedConfiguration {
  readonly name: string;
  readonly change: 'new' | 'changed' | 'removed';
  /** `policies/micro.yaml:21`; its previous place if it was removed. */
  readonly place: string;
}

/** Sorted by name. */
export function changedConfigurations(before: Declared, after: Declared): ChangedConfiguration[] {
  const known = new Map(everybodyIn(before).map((configuration) => [configuration.owner, configuration]));
  const changed = everybodyIn(after).flatMap((configuration): ChangedConfiguration[] => {
    const old = known.get(configuration.owner);
    known.delete(configuration.owner);
    if (old !== undefined && textOf(old) === textOf(configuration)) return [];
    const change = old === undefined ? 'new' : 'changed';
    return [{ name: configuration.name, change, place: placeOf(configuration) }];
  });
  const removed = [...known.values()].map((old) => ({
    name: old.name,
    change: 'removed' as const,
    place: placeOf(old),
  }));
  return [...changed, ...removed].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function everybodyIn({ configurations, exceptions, expired }: Declared): readonly DeclaredConfiguration[] {
  return [...configurations, ...exceptions, ...expired];
}

/** Everything that affects decisions, without origins. */
function textOf(configuration: DeclaredConfiguration): string {
  const { digest, priority, mode, suspend, deletionPolicy, whenMissing, targets } = configuration;
  const selectors = targets.map(({ group, hubs, mode: cap, selector }) => ({
    group,
    hubs,
    cap,
    requirements: selector.requirements,
    deviceIds: [...(selector.deviceIds ?? [])],
  }));
  const limits = isException(configuration) ? [configuration.maxDevices, configuration.expiresAtMs] : [];
  return JSON.stringify({ digest, priority, mode, suspend, deletionPolicy, whenMissing, selectors, limits });
}

function placeOf({ origin: { file, line } }: DeclaredConfiguration): string {
  return `${file}:${line}`;
}
