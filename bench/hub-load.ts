/**
 * Many devices on one hub: what sockets cost. Devices replay the same drafts twice, in turns: by calling
 * the hub, and over WebSockets of this machine. Both need the same rows of the large model, which the hub
 * verifies in common batches. The devices are in the hub's process, so their work counts as well.
 *
 *   npm run --silent bench:hub -- [--model NAME] [--devices N] [--transmissions N] [--repeats N]
 *     [--threads N] [--json]
 */
import { Command } from 'commander';
import { WebSocket } from 'ws';
import { findModel } from '../src/catalog/ensure-model.ts';
import { required } from '../src/core/invariant.ts';
import { GREEDY } from '../src/core/sampling-params.ts';
import { type TokenId, tokenId } from '../src/core/token-id.ts';
import { HubLink } from '../src/device/hub-link.ts';
import { Hub } from '../src/hub/hub.ts';
import { type HubServer, startHubServer } from '../src/hub/hub-server.ts';
import type { DeviceMessage, HubMessage, TransmitMessage } from '../src/link/messages.ts';
import { webSocketTransport } from '../src/link/web-socket-transport.ts';
import { loadModel } from '../src/model/llama-cpp/model.ts';
import { vocabularyDigest } from '../src/vocabulary/vocabulary-digest.ts';

const settings = new Command()
  .option('--model <NAME>', 'the large model', 'qwen2.5-coder-1.5b-instruct')
  .option('--devices <N>', 'devices at once', '32')
  .option('--transmissions <N>', 'drafts of each device', '8')
  .option('--repeats <N>', 'turns of each way', '3')
  .option('--threads <N>', 'threads of the model', '2')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Record<string, string>>();

const [deviceCount, transmissionCount, repeatCount, threadCount] = [
  ...['devices', 'transmissions', 'repeats', 'threads'],
].map((name) => Number(settings[name]));

/** Tokens that a device keeps between two drafts: four of five, as at the default threshold. */
const KEPT_COUNT = 4;
const PROMPT_LENGTH = 48;
const PROSE =
  'A pilot fish swims beside a shark and eats what the shark leaves. It is small, quick and seldom wrong ' +
  'about where the next meal is; the shark is slow to turn, and strong. ';

/** Asks, and gets the one answer. */
type Ask = (message: DeviceMessage) => Promise<HubMessage>;

const found = required(await findModel(settings['model'] ?? ''), 'the model is on this machine');
const devices = required(deviceCount, 'a number');
await using model = await loadModel(found.path, {
  ...{ cellCount: devices * 512, contextLength: 512, sequenceCountMax: devices + 2 },
  threadCount: required(threadCount, 'a number'),
});
const size = model.vocabulary.size;
const vocabulary = { digest: vocabularyDigest(model.vocabulary, size), size };
const prose = model.vocabulary.tokenize(PROSE.repeat(12));

/** The texts of devices begin at different words. */
function textOf(device: number): readonly TokenId[] {
  return prose.slice(device, device + PROMPT_LENGTH + required(transmissionCount, 'a number') * 5);
}

function transmission(text: readonly TokenId[], sequence: number): TransmitMessage {
  const from = PROMPT_LENGTH + sequence * (KEPT_COUNT + 1);
  const draft = text[from + KEPT_COUNT] ?? tokenId(0);
  return {
    ...{ type: 'transmit', sequence, epoch: sequence, from, draft },
    ...{ unsynced: text.slice(from, from + KEPT_COUNT), distribution: { kind: 'none' } },
  };
}

/** @returns how long it took until the last answer, in milliseconds */
async function replay(device: number, ask: Ask): Promise<number> {
  const text = textOf(device);
  const startMs = performance.now();
  await ask({
    ...{ type: 'open', requestId: device.toString(16).padStart(32, '0'), vocabulary },
    ...{ sampling: GREEDY, seed: 0, wantsLogprobs: false, noise: 'shared' },
    ...{ promptLength: PROMPT_LENGTH, text: text.slice(0, PROMPT_LENGTH) },
  });
  for (let sequence = 0; sequence < required(transmissionCount, 'a number'); sequence += 1) {
    const { type } = await ask(transmission(text, sequence));
    required(type === 'answer' || null, `a verdict, not ${type}`);
  }
  return performance.now() - startMs;
}

interface Turn {
  readonly ms: number;
  /** Of all threads of this process: it hardly depends on what else the machine does. */
  readonly processorMs: number;
  readonly rowsPerSecond: number;
  /** The slowest device, in times of the median one. */
  readonly slowest: number;
}

async function turn(hub: Hub, asks: readonly Ask[]): Promise<Turn> {
  const [startMs, start] = [performance.now(), process.cpuUsage()];
  const times = await Promise.all(asks.map((ask, device) => replay(device, ask)));
  const ms = performance.now() - startMs;
  const sorted = times.toSorted((a, b) => a - b);
  const median = required(sorted[Math.floor(sorted.length / 2)], 'a device');
  const slowest = required(sorted.at(-1), 'a device') / median;
  const { user, system } = process.cpuUsage(start);
  const processorMs = (user + system) / 1000;
  return { ms, processorMs, rowsPerSecond: (1000 * hub.status.rowCount) / ms, slowest };
}

function newHub(): Hub {
  return new Hub({ model, digest: '0'.repeat(64) });
}

async function direct(): Promise<Turn> {
  await using hub = newHub();
  const asks = Array.from({ length: devices }, (): Ask => {
    let answer: (message: HubMessage) => void = () => undefined;
    const connection = hub.connect('bench', (message) => answer(message));
    return (message) =>
      new Promise((resolve) => {
        answer = resolve;
        connection.receive(message);
      });
  });
  return await turn(hub, asks);
}

async function overSockets(): Promise<Turn> {
  await using hub = newHub();
  await using server = await startHubServer({
    ...{ hub, host: '127.0.0.1', port: 0, keys: [], deviceCountMax: devices },
    onFailure: (error) => process.stderr.write(`${String(error)}\n`),
  });
  const links = await Promise.all(Array.from({ length: devices }, () => linkTo(server)));
  const asks = links.map((link): Ask => {
    const { signal } = new AbortController();
    return (message) => link.ask(message, { waitMs: 600_000, signal });
  });
  const result = await turn(hub, asks);
  for (const link of links) link.close();
  return result;
}

async function linkTo({ url }: HubServer): Promise<HubLink> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once('open', resolve));
  return new HubLink(webSocketTransport(socket), size);
}

const pairs: (readonly [Turn, Turn])[] = [];
// The first turn reads the model's weights from disk.
await direct();
for (let repeat = 0; repeat < required(repeatCount, 'a number'); repeat += 1) {
  const [one, other] = [await direct(), await overSockets()];
  pairs.push([one, other]);
}
/** The median of direct / over sockets. */
function ratioOf(pick: (turn: Turn) => number): number {
  const ratios = pairs.map(([one, other]) => pick(one) / pick(other)).toSorted((a, b) => a - b);
  return required(ratios[Math.floor(ratios.length / 2)], 'a repeat');
}

const ratios = { time: ratioOf(({ ms }) => ms), processor: ratioOf((one) => one.processorMs) };
if (settings['json']) process.stdout.write(`${JSON.stringify({ settings, pairs, ratios })}\n`);
else {
  for (const [one, other] of pairs) {
    process.stdout.write(
      `direct ${one.rowsPerSecond.toFixed(1)} rows/s, over sockets ${other.rowsPerSecond.toFixed(1)} rows/s; ` +
        `processor time ${(one.processorMs / other.processorMs).toFixed(3)}; ` +
        `slowest ${other.slowest.toFixed(2)} of the median\n`,
    );
  }
  const { time, processor } = ratios;
  process.stdout.write(
    `median direct / over sockets: time ${time.toFixed(3)}, processor ${processor.toFixed(3)}\n`,
  );
}
