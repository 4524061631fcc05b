// `twinward validate`: reads manifests and prints every problem. Needs no hub.
import { EXIT, type ExitCode } from '../exit-code.ts';
import { readManifests, validationFields, type SourceOptions } from '../input/manifests.ts';
import { countProblems, writeDiagnostics, writeDocument, type Format } from '../render/report.ts';
import { countOf } from '../render/table.ts';
import type { World } from '../world.ts';

export interface ValidateOptions extends SourceOptions {
  readonly output: Format;
}

export async function validate(world: World, options: ValidateOptions): Promise<ExitCode> {
  const { snapshot, loaded } = await readManifests(world, options);
  writeDiagnostics(world, loaded.diagnostics);
  if (options.output === 'json') writeDocument(world, 'Validation', validationFields(snapshot, loaded));
  else world.out.write(`${summary(loaded)}\n`);
  return loaded.declared === undefined ? EXIT.InvalidManifests : EXIT.Ok;
}

function summary({ declared, diagnostics, documents, resources }: Parameters<typeof validationFields>[1]): string {
  const kinds = Map.groupBy(resources, ({ kind }) => kind);
  const counts = [...kinds].map(([kind, list]) => countOf(list.length, kind)).join(', ');
  const verdict = declared === undefined ? 'invalid' : 'valid';
  return `${verdict}: ${countOf(documents, 'document')}${counts === '' ? '' : ` (${counts})`}, ${countProblems(diagnostics)}`;
}
