// One configuration as it bears on one module of one kind of device.
import type { DeclaredConfiguration } from '../../model/declared.ts';
import type { Selector } from '../../model/selector.ts';

type LayerState = 'Enforced' | 'Observed' | 'Suspended';

/** Lists of layers have the higher priority first, then go by name. */
export interface Layer {
  readonly configuration: DeclaredConfiguration;
  readonly group: string | undefined;
  /** The way in that the device took. */
  readonly selector: Selector;
  readonly state: LayerState;
  /** Whose mode is Observe, where it is observed: `the Hub`, `group "lab"`, or its own owner. */
  readonly observedBy?: string;
  /** Where that is not its own manifest's word. */
  readonly suspendedBy?: SuspendingWord;
}

export interface SuspendingWord {
  /** Who suspended it and why. */
  readonly because: string;
  /** The same with what ends it. */
  readonly message: string;
}
