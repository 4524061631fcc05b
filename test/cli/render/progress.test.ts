// Long work shows on a terminal how far it is, and leaves nothing of that behind; elsewhere it shows nothing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProgress, progressBar } from '../../../src/cli/render/progress.ts';
import { createTestClock } from '../../support/test-clock.ts';
import {
  folderOf,
  HUB,
  serveFleet,
  twinward,
  type Given,
  type Printed,
  type ServedHub,
  kioskManifests,
} from '../fixture.ts';

const ERASE = '\r\u001B[K';

function screen(isTerminal = true) {
  const clock = createTestClock();
  const written: string[] = [];
  const err = { write: (text: string) => void written.push(text), isTerminal, columns: 20 };
  return { clock, written, progress: createProgress({ err, clock }) };
}

describe('the line', () => {
  test('is drawn ten times a second at most, and fits the terminal', async () => {
    const { clock, written, progress } = screen();
    for (let turn = 0; turn < 30; turn += 1) {
      progress.show(`reading dev: ${turn} twins, and more`);
      await clock.advance(10);
    }
    expect(written).toEqual([0, 10, 20].map((turn) => `${ERASE}${`reading dev: ${turn} twins`.slice(0, 19)}`));
  });

  test('is taken away once, and only where it was drawn', () => {
    const { written, progress } = screen();
    progress.clear();
    expect(written).toEqual([]);
    progress.show('a');
    progress.clear();
    progress.clear();
    expect(written).toEqual([`${ERASE}a`, ERASE]);
  });

  test('is not drawn where nobody looks', () => {
    const { written, progress } = screen(false);
    progress.show('a');
    progress.clear();
    expect(written).toEqual([]);
  });

  test('has a bar with the pace and the time', async () => {
    const clock = createTestClock();
    const startedAtMs = clock.now();
    await clock.advance(4_000);
    expect(progressBar(206, 412, startedAtMs, clock)).toBe('[##########          ] 206/412  52/s  4 s');
    expect(progressBar(0, 0, clock.now(), clock)).toBe('[####################] 0/0  0/s  0 s');
  });
});

describe('a command', () => {
  let hub: ServedHub;
  let manifests: ReturnType<typeof folderOf>;

  beforeAll(async () => {
    hub = await serveFleet(60);
    manifests = folderOf({
      'all.yaml': `${HUB}---
${kioskManifests()}`,
    });
  });
  afterAll(async () => {
    manifests.remove();
    await hub.close();
  });

  function run(command: string, given: Given = {}): Promise<Printed> {
    const argv = [...command.replace('FOLDER', manifests.path).split(' '), '-f', manifests.path];
    return twinward(argv, { env: hub.env, clock: hub.clock, ...given });
  }

  test.each([
    ['plan', 'reading dev: '],
    ['status', 'reading dev: '],
    ['get devices', 'reading dev: '],
    ['describe hub dev', 'reading dev: '],
    ['snapshot --out FOLDER/fleet', 'reading dev: '],
    ['apply --yes', 'apply   ['],
    ['uninstall --hub dev --yes', 'records ['],
  ])('%s', async (command, shows) => {
    const { err, out } = await run(command, { isTerminal: true });
    const from = err.indexOf(`${ERASE}${shows}`);
    expect(from).toBeGreaterThanOrEqual(0);
    // Each line that was drawn is taken away before anything else is said.
    expect(err.slice(from + ERASE.length)).toContain(ERASE);
    expect(out).not.toContain(ERASE);
    expect((await run('status')).err).not.toContain(ERASE);
  });
});
