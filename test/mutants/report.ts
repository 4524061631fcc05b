// The results of the mutants, for the terminal and as a page.
import { isNoticed, type MutantResult } from './run-mutants.ts';

export type Verdict = 'caught' | 'equivalent' | 'SURVIVED';

/** A mutant that only the simulator noticed is caught too. */
export function verdictOf(result: MutantResult): Verdict {
  if (isNoticed(result)) return 'caught';
  return result.equivalent === undefined ? 'SURVIVED' : 'equivalent';
}

export function resultText(result: MutantResult): string {
  const { name, byTests, bySimulator, equivalent, ms } = result;
  const lines = [
    `${verdictOf(result).padEnd(10)} ${name} (${seconds(ms)})`,
    ...(typeof byTests === 'string' ? [`             tests      ${byTests}`] : []),
    ...(typeof bySimulator === 'string' ? [`             simulator  ${bySimulator}`] : []),
    ...(equivalent === undefined ? [] : [`             equivalent: ${equivalent}`]),
  ];
  return `${lines.join('\n')}\n`;
}

export function figuresText({ title, results }: Section): string {
  const count = (verdict: Verdict): number => results.filter((result) => verdictOf(result) === verdict).length;
  const byTests = results.filter((result) => typeof result.byTests === 'string').length;
  return (
    `${title}: ${results.length} mutants, ${byTests} caught by the tests, ${simulatorText(results)}; ` +
    `${count('SURVIVED')} survived, ${count('equivalent')} equivalent`
  );
}

function simulatorText(results: readonly MutantResult[]): string {
  const asked = results.filter(({ bySimulator }) => bySimulator !== undefined);
  if (asked.length === 0) return 'the simulator was not asked';
  const caught = asked.filter(({ bySimulator }) => bySimulator !== null);
  return `${caught.length} of ${asked.length} by the simulator alone`;
}

export interface Section {
  readonly title: string;
  readonly results: readonly MutantResult[];
}

/** Those made by hand, then those made by rule. */
export function sectionsOf(results: readonly MutantResult[]): Section[] {
  const { byHand = [], byRule = [] } = Object.groupBy(results, ({ name }) => (isGenerated(name) ? 'byRule' : 'byHand'));
  return [
    { title: 'Made by hand', results: byHand },
    { title: 'Generated', results: byRule },
  ].filter(({ results }) => results.length > 0);
}

/** A whole page in Markdown. */
export function markdown(sections: readonly Section[]): string {
  const all = sections.flatMap(({ results }) => results);
  const equivalents = all.filter((result) => verdictOf(result) === 'equivalent');
  const equivalentText =
    equivalents.length === 0
      ? ''
      : `\n## Equivalent\n\nThese mean the same as the code they change.\n\n| mutant | why |\n|---|---|\n` +
        equivalents.map(({ name, equivalent = '' }) => row([nameText(name), equivalent])).join('');
  return `# Mutants

Mutants measure what the tests and the simulator detect: each mutant is one small change of a source file, and some check must notice it.

${sections.map((section) => `- ${figuresText(section)}`).join('\n')}

The simulator runs separately from the tests, with random scenarios and then with its crashes at every call; the tests must catch what it
misses. It does not run mutants of adapters and commands, because it has its own hub and runs no command.
${sections.map(sectionText).join('')}${equivalentText}`;
}

function sectionText({ title, results }: Section): string {
  const rows = results.map((result) => {
    const { name, byTests, bySimulator, ms } = result;
    return row([nameText(name), verdictOf(result), said(byTests), said(bySimulator), seconds(ms)]);
  });
  return `\n## ${title}\n\n| mutant | | noticed by the tests | by the simulator alone | time |\n|---|---|---|---|---|\n${rows.join('')}`;
}

const NOTICED_LENGTH_MAX = 140;

function said(noticed: string | null | undefined): string {
  if (noticed === undefined) return 'not asked';
  if (noticed === null) return '-';
  return code(noticed.length > NOTICED_LENGTH_MAX ? `${noticed.slice(0, NOTICED_LENGTH_MAX - 1)}…` : noticed);
}

/** The name of a generated mutant is its place and its code. */
function isGenerated(name: string): boolean {
  return name.startsWith('src/');
}

function nameText(name: string): string {
  return isGenerated(name) ? code(name) : name;
}

function code(text: string): string {
  return `\`\` ${text} \`\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
