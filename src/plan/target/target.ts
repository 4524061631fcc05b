// What is declared for one module of one kind of device: all selected configurations merged, once for all devices alike.
import { isException, type Mode, type WhenMissing } from '../../model/declared.ts';
import { digestJson } from '../../model/digest.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { lazy } from '../../model/lazy.ts';
import type { Suspension } from '../../model/suspension.ts';
import type { Profile } from '../../model/profile.ts';
import { findTooWide, type ExceptionCounts } from './exception-limits.ts';
import {
  merge,
  placesNamedOnly,
  type Claims,
  type Conflict,
  type DeclaredAbsence,
  type DeclaredAtom,
  type Layer,
  type SuspendingWord,
} from './layering.ts';
import { findHold, type TargetHold } from './hold.ts';
import type { PathMap } from '../../model/path-map.ts';
import type { Owner } from '../../model/owner.ts';
import { momentText } from '../../model/moment.ts';
import { composeOwn, type OwnedEntry, type Owners } from '../record/owned-entry.ts';
import type { Selected, Selection } from '../select/selection.ts';
import { endableSuspensionText, NO_SUSPENSIONS, suspensionText, type Suspensions } from '../select/suspensions.ts';

/** Its claims are the winning settings of enforced layers, by layer and name, and what these keep absent. */
export interface Target extends Claims {
  readonly moduleId: string;
  /** Equal where the same is declared for the same kind of device. */
  readonly digest: string;
  readonly layers: readonly Layer[];
  /** Their owners, sorted. */
  readonly layerOwners: readonly Owner[];
  /** The winning settings if observed layers were enforced too: only those that an observed layer would win. */
  readonly observedAtoms: readonly DeclaredAtom[];
  readonly observedAbsences: readonly DeclaredAbsence[];
  /** What observed and suspended layers would win: a lower layer must not win it meanwhile. */
  readonly frozenAtoms: readonly DeclaredAtom[];
  readonly frozenAbsences: readonly DeclaredAbsence[];
  /** True where some layer declares nothing for now, so that what it owns is left exactly as it is. */
  readonly hasFrozen: boolean;
  /** Named by some layer and written by none: nothing is removed there. */
  readonly named: PathMap<true>;
  /** What deciding layers contradict each other in: the enforced ones, or where there are none the observed ones. */
  readonly conflicts: readonly Conflict[];
  /** Why nothing may be written, where the manifests contradict themselves on this kind of device. */
  readonly hold: TargetHold | undefined;
  /** What the record holds on a twin that is in sync and was never owned by anybody else. */
  readonly owners: Owners;
  /** The same as the record spells it. */
  readonly own: JsonObject;
  /** Profiles of the layers, one each section. */
  readonly profiles: readonly Profile[];
  readonly whenMissing: WhenMissing;
  readonly tagless: boolean;
  /** True where nothing on this device is written, whatever a configuration asks for. */
  readonly observeOnly: boolean;
  /** Whose mode it is that leaves a difference alone, where one is and it is not that of the hub. */
  readonly observedBy: string | undefined;
  /** True where nothing at all is written to the module now, by a person's word or an exception's. */
  readonly isFrozen: boolean;
  /** True where the owner is kept from writing here and from losing anything, whether or not the source knows it. */
  readonly suspends: (owner: Owner) => boolean;
  /** Who suspended what would write here, why and what ends it, where that is not the manifests' own word. */
  readonly suspendedBecause: string | undefined;
}

interface Targets {
  forSelection(selection: Selection): readonly Target[];
  forModule(selection: Selection, moduleId: string): Target;
}

export function createTargets(
  hubMode: Mode,
  suspensions: Suspensions = NO_SUSPENSIONS,
  counts?: ExceptionCounts,
): Targets {
  const scope = { hubMode, suspensions, counts };
  const bySelection = new Map<number, readonly Target[]>();
  const empty = new Map<string, Target>();

  function forSelection(selection: Selection): readonly Target[] {
    let targets = bySelection.get(selection.id);
    if (targets === undefined) {
      const moduleIds = new Set(selection.selected.map(({ configuration }) => configuration.profile.moduleId));
      targets = [...moduleIds].toSorted().map((moduleId) => buildTarget(moduleId, selection, scope));
      bySelection.set(selection.id, targets);
    }
    return targets;
  }

  return {
    forSelection,
    forModule(selection, moduleId) {
      const found = forSelection(selection).find((target) => target.moduleId === moduleId);
      if (found !== undefined) return found;
      const { tagless, cappedBy, suspension } = selection;
      const key = JSON.stringify([tagless, cappedBy, moduleId, suspension]);
      let target = empty.get(key);
      if (target === undefined) {
        target = buildTarget(moduleId, { ...selection, id: -1, selected: [] }, scope);
        empty.set(key, target);
      }
      return target;
    },
  };
}

function namesOf(owners: ReadonlySet<Owner>): string | undefined {
  return owners.size === 0 ? undefined : [...owners].toSorted().join(', ');
}

interface Scope {
  readonly hubMode: Mode;
  readonly suspensions: Suspensions;
  readonly counts: ExceptionCounts | undefined;
}

function buildTarget(moduleId: string, selection: Selection, { hubMode, suspensions, counts }: Scope): Target {
  const here = selection.selected.filter(({ configuration }) => configuration.profile.moduleId === moduleId);
  const freeze = freezeOf(here, selection);
  const { cappedBy } = selection;
  const groupObserves = cappedBy === undefined ? undefined : `group "${cappedBy}"`;
  const ceiling = hubMode === 'Observe' ? 'the Hub' : groupObserves;
  const layers = here
    .map((selected) => toLayer(selected, ceiling, freeze ?? wordOf(suspensions.ofOwner(selected.configuration.owner))))
    .toSorted(compareLayers);
  const enforced = layers.filter((layer) => layer.state === 'Enforced');
  const active = layers.filter((layer) => layer.state !== 'Suspended');
  const merged = merge(enforced);
  const wouldBe = enforced.length === active.length ? merged : merge(active);
  const everyone = active.length === layers.length ? wouldBe : merge(layers);
  const observedOwners = ownersOf(layers.filter(({ state }) => state === 'Observed'));
  const frozenOwners = ownersOf(layers.filter(({ state }) => state !== 'Enforced'));
  const profiles = [
    ...new Map(layers.map(({ configuration }) => [configuration.profile.name, configuration.profile])).values(),
  ];
  const owners = expectedOwners(enforced, merged.atoms);
  // What frozen layers keep on a twin counts for its rules, and only the twin has that.
  const ruled = frozenOwners.size > 0 ? [] : profiles;
  const digest = lazy(() => digestOf(target));
  const target: Target = {
    moduleId,
    get digest() {
      return digest();
    },
    layers,
    layerOwners: layers.map(({ configuration }) => configuration.owner).toSorted(),
    atoms: merged.atoms,
    absences: merged.absences,
    observedAtoms: wouldBe.atoms.filter((declared) => observedOwners.has(declared.owner)),
    observedAbsences: wouldBe.absences.filter((absence) => observedOwners.has(absence.owner)),
    frozenAtoms: everyone.atoms.filter(({ owner }) => frozenOwners.has(owner)),
    frozenAbsences: everyone.absences.filter(({ owner }) => frozenOwners.has(owner)),
    hasFrozen: frozenOwners.size > 0,
    named: placesNamedOnly(layers),
    // Where everything is only observed, what would hold is what there is to know.
    hold:
      findTooWide(layers, counts) ??
      (enforced.length === 0 ? findHold(active, wouldBe, profiles) : findHold(enforced, merged, ruled)),
    conflicts: (enforced.length === 0 ? wouldBe : merged).conflicts,
    owners,
    own: composeOwn(owners),
    profiles,
    whenMissing: strongestWhenMissing(layers),
    tagless: selection.tagless,
    observeOnly: ceiling !== undefined,
    observedBy: hubMode === 'Observe' ? undefined : (groupObserves ?? namesOf(observedOwners)),
    isFrozen: freeze !== undefined,
    suspends: (owner) => freeze !== undefined || suspensions.ofOwner(owner) !== undefined,
    suspendedBecause: (freeze ?? layers.find(({ suspendedBy }) => suspendedBy !== undefined)?.suspendedBy)?.message,
  };
  return target;
}

function digestOf({ moduleId, layers, hold, tagless, observeOnly, isFrozen }: Target): string {
  const layered = layers.map(({ configuration, state }): Json => {
    const { owner, digest, priority, deletionPolicy, whenMissing } = configuration;
    return [owner, digest, priority, deletionPolicy, whenMissing, state];
  });
  return digestJson([moduleId, layered, hold?.reason ?? null, hold?.message ?? null, tagless, observeOnly, isFrozen]);
}

/** Why everything on the module is left as it is: a person's word, or an exception's. */
function freezeOf(here: readonly Selected[], { suspension }: Selection): SuspendingWord | undefined {
  if (suspension !== undefined) return wordOf(suspension);
  for (const { configuration } of here) {
    if (!isException(configuration) || !configuration.suspend) continue;
    const { owner, ownerText, reason, expiresAtMs } = configuration;
    const because = `The module is suspended by ${owner} (${ownerText}) until ${momentText(expiresAtMs)}: ${reason}`;
    return { because, message: because };
  }
  return undefined;
}

function wordOf(suspension: Suspension | undefined): SuspendingWord | undefined {
  return suspension && { because: suspensionText(suspension), message: endableSuspensionText(suspension) };
}

function ownersOf(layers: readonly Layer[]): ReadonlySet<Owner> {
  return new Set(layers.map(({ configuration }) => configuration.owner));
}

/** `ceiling`: whose mode keeps everything on the device from being written. */
function toLayer(selected: Selected, ceiling: string | undefined, suspendedBy: SuspendingWord | undefined): Layer {
  if (suspendedBy !== undefined) return { ...selected, state: 'Suspended', suspendedBy };
  const { suspend, mode, owner } = selected.configuration;
  if (suspend) return { ...selected, state: 'Suspended' };
  const observedBy = ceiling ?? (mode === 'Observe' ? owner : undefined);
  return observedBy === undefined ? { ...selected, state: 'Enforced' } : { ...selected, state: 'Observed', observedBy };
}

function compareLayers(a: Layer, b: Layer): number {
  return b.configuration.priority - a.configuration.priority || (a.configuration.name < b.configuration.name ? -1 : 1);
}

/** One configuration that wants the module created is enough; one that waits outweighs those that skip. */
function strongestWhenMissing(layers: readonly Layer[]): WhenMissing {
  const wishes = new Set(layers.map(whenMissingOf));
  return wishes.has('Create') ? 'Create' : wishes.has('Skip') && !wishes.has('Wait') ? 'Skip' : 'Wait';
}

/** A layer that may not write creates nothing either. */
function whenMissingOf({ configuration, state }: Layer): WhenMissing {
  return configuration.whenMissing === 'Create' && state !== 'Enforced' ? 'Wait' : configuration.whenMissing;
}

/**
 * The entries of a twin in sync: each enforced layer that wins at least one setting. Settings written only where they
 * are absent are not owned: what is there may be another writer's.
 */
export function expectedOwners(layers: readonly Layer[], atoms: readonly DeclaredAtom[]): Owners {
  const owners = new Map<Owner, OwnedEntry>();
  for (const { configuration } of layers) {
    const names = atoms
      .filter(({ atom, owner }) => owner === configuration.owner && atom.policy === 'Override')
      .map(({ atom }) => atom.name);
    if (names.length > 0) owners.set(configuration.owner, entryOf(configuration, names));
  }
  return owners;
}

function entryOf(configuration: Layer['configuration'], names: readonly string[]): OwnedEntry {
  const { digest, deletionPolicy, profile } = configuration;
  return { digest, deletionPolicy, profile: profile.name, section: profile.section, keys: { names: names.toSorted() } };
}
