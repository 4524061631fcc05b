// `twinward events`: recent writes and warnings of a running controller.
import { readEvents } from '../../adapters/event-client.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { pause } from '../interruption.ts';
import { writeDocument, type Format } from '../render/report.ts';
import { formatTable } from '../render/table.ts';
import type { World } from '../world.ts';

export interface EventsOptions {
  readonly output: Format;
  /** Address of a running controller: `127.0.0.1:8080`, `http://twinward:8080`. */
  readonly address: string;
  /** Only of this device. */
  readonly device?: string;
  readonly watch?: boolean;
}

const LOOK_MS = 2_000;

export async function events(world: World, options: EventsOptions): Promise<ExitCode> {
  const address = addressOf(options.address);
  let items = await read(world, address, 0, options.device);
  if (options.watch !== true) {
    if (options.output === 'json') writeDocument(world, 'EventList', { items: items.all });
    else world.out.write(items.all.length === 0 ? 'Nothing happened yet.\n' : textOf(items.all));
    return EXIT.Ok;
  }
  while (!world.interrupted.aborted) {
    for (const event of items.all)
      world.out.write(options.output === 'json' ? `${JSON.stringify(event)}\n` : lineOf(event));
    await pause(world, LOOK_MS);
    if (world.interrupted.aborted) break;
    items = await read(world, address, items.sequence, options.device);
  }
  return EXIT.Ok;
}

interface Items {
  readonly all: readonly JsonObject[];
  /** Of the last that was recorded, asked for or not. */
  readonly sequence: number;
}

/** A restarted controller counts from the start, so reading starts over. */
async function read(world: World, address: string, after: number, device: string | undefined): Promise<Items> {
  const { items, latest } = await readEvents(address, after, world.interrupted);
  if (latest < after) return read(world, address, 0, device);
  return { all: items.filter(({ deviceId }) => device === undefined || deviceId === device), sequence: latest };
}

/** As in `--bind-address`, or with a scheme; an address of all interfaces means this machine. */
function addressOf(text: string): string {
  const whole = text.includes('://') ? text : `http://${text.startsWith(':') ? `127.0.0.1${text}` : text}`;
  if (URL.canParse(whole) && /^https?:$/.test(new URL(whole).protocol)) return whole.replace(/\/+$/, '');
  throw new CliFailure(EXIT.Failed, `"${text}" is not an address of a controller.`, 'Write it as 127.0.0.1:8080.');
}

const HEADER = ['LAST', 'COUNT', 'TYPE', 'REASON', 'HUB', 'DEVICE', 'MESSAGE'];

function textOf(items: readonly JsonObject[]): string {
  return formatTable([HEADER, ...items.map(cellsOf)]);
}

function lineOf(item: JsonObject): string {
  return `${cellsOf(item).join('   ').trimEnd()}\n`;
}

/** Events of a hub have no device, those of the source no hub either. */
function cellsOf({ deviceId, moduleId, hub, ...item }: JsonObject): string[] {
  const device = deviceId === undefined ? '-' : `${textOfCell(deviceId)}/${textOfCell(moduleId)}`;
  const [lastAt, count, type, reason, message] = KEYS.map((key) => textOfCell(item[key]));
  return [lastAt, count, type, reason, hub === undefined ? '-' : textOfCell(hub), device, message].map(
    (cell = '') => cell,
  );
}

const KEYS = ['lastAt', 'count', 'type', 'reason', 'message'] as const;

function textOfCell(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
