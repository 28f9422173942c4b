/** Runs schemes over an emulated link, and measures each token. */
import { carriedSince, MessageLog } from '../../channel/emulation/message-log.ts';
import type { InterfaceCounts } from '../../channel/emulation/network-namespace.ts';
import { PACKET_HEADER_BYTES } from '../../channel/packets.ts';
import type { TokenTime } from '../../channel/scheme-time.ts';
import type { EngineEvent } from '../../core/events.ts';
import { openEngine } from '../open-engine.ts';
import { type EmulatedHub, type EmulatedHubOptions, openEmulatedHub } from './emulated-hub.ts';
import { askUntil, type RunOptions } from './run-schemes.ts';
import { type LinkScheme, sentDistribution, usesHub } from './schemes.ts';

export interface RunEmulatedOptions extends RunOptions, Omit<EmulatedHubOptions, 'large'> {
  readonly small: string;
  readonly large: string;
  /** Tokens of schemes that send whole distributions: they take seconds each on a slow link. */
  readonly fullTokenCount: number;
}

export interface EmulatedSpeed {
  /** Without the first of each answer, and those with which the hub reads the prompt. */
  readonly tokenCount: number;
  /** Mean milliseconds of a token. What the device did not wait for the hub is its own. */
  readonly time: TokenTime;
  /** Messages to the hub / tokens. */
  readonly transmittedShare: number;
  /** Mean bytes of a message, with its WebSocket header; null: none was sent. */
  readonly upBytes: number | null;
  readonly downBytes: number | null;
  /** All that passed the interface for the scheme; null: no interface counts. */
  readonly onInterface: { readonly up: OnInterface; readonly down: OnInterface } | null;
}

export interface OnInterface extends InterfaceCounts {
  /** The bytes of all messages with their WebSocket headers. */
  readonly messageBytes: number;
  /** The same with the headers of the packets: what the interface should have counted. */
  readonly predictedBytes: number;
}

export interface EmulatedRuns {
  readonly speeds: ReadonlyMap<LinkScheme, EmulatedSpeed>;
  /** What shaped the link, in words. */
  readonly note: string;
}

/** Schemes with a hub: a small model alone needs no link. */
export async function runEmulated(
  schemes: readonly LinkScheme[],
  options: RunEmulatedOptions,
): Promise<EmulatedRuns> {
  const speeds = new Map<LinkScheme, EmulatedSpeed>();
  await using hub = await openEmulatedHub(options);
  const env = { ...(options.env ?? process.env), PILOTFISH_HUB_KEY: hub.key ?? '' };
  const log = new MessageLog();
  for (const own of groupsOf(schemes.filter(usesHub))) {
    const [{ sends, aheadCount: ahead }] = own;
    await using engine = await openEngine({
      ...{ ...options, large: undefined, env, strategies: own.map(({ value }) => value) },
      uplink: { ...options.uplink, sends: sends ?? undefined, ahead },
      hub: { url: hub.url, wrapTransport: (transport) => log.watch(transport) },
    });
    for (const scheme of own) {
      const turns: Turn[] = [];
      const asked = { ...options, tokenCount: tokenCountOf(scheme, options) };
      const label = `Running ${scheme.name} over the link`;
      const passed = await counting(hub, log);
      await askUntil(engine, scheme, { ...asked, label }, async (events) => {
        const read = await turnsOf(events, log);
        turns.push(...withoutReading(read));
        return read.length;
      });
      const onInterface = await passed();
      // Too few tokens were asked for.
      if (turns.length > 0) speeds.set(scheme, { ...speedOf(turns), onInterface });
    }
  }
  return { speeds, note: hub.note };
}

/** Schemes that one engine serves. */
function groupsOf(
  schemes: readonly LinkScheme[],
): Iterable<readonly [LinkScheme, ...LinkScheme[]]> {
  const groups = new Map<string, [LinkScheme, ...LinkScheme[]]>();
  for (const scheme of schemes) {
    const key = `${scheme.sends} ${scheme.aheadCount}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [scheme]);
    else group.push(scheme);
  }
  return groups.values();
}

function tokenCountOf(scheme: LinkScheme, options: RunEmulatedOptions): number {
  const { tokenCount, fullTokenCount, temperature, uplink } = options;
  const isFull = sentDistribution(scheme, temperature, uplink).kind === 'full';
  return isFull ? Math.min(tokenCount, fullTokenCount) : tokenCount;
}

/** @returns a function that says what has passed the interface since */
async function counting(
  { counts }: EmulatedHub,
  log: MessageLog,
): Promise<() => Promise<EmulatedSpeed['onInterface']>> {
  if (counts === null) return async () => null;
  const [before, carriedBefore] = [await counts(), log.total];
  return async () => {
    const after = await counts();
    const { upBytes, downBytes } = carriedSince(log.total, carriedBefore);
    const way = (name: 'up' | 'down', messageBytes: number): OnInterface => {
      const packets = after[name].packets - before[name].packets;
      const bytes = after[name].bytes - before[name].bytes;
      const predictedBytes = messageBytes + packets * PACKET_HEADER_BYTES;
      return { packets, bytes, messageBytes, predictedBytes };
    };
    return { up: way('up', upBytes), down: way('down', downBytes) };
  };
}

/** One token, as the device saw it. */
interface Turn {
  readonly ms: number;
  /** What the hub computed, and waited for its model. */
  readonly hubMs: number;
  /** In which the next message of the hub was awaited. */
  readonly waitedMs: number;
  readonly callCount: number;
  /** Messages of the hub: a stream sends them ahead of their tokens. */
  readonly answerCount: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

async function turnsOf(events: AsyncIterable<EngineEvent>, log: MessageLog): Promise<Turn[]> {
  const turns: Turn[] = [];
  let before = { ms: 0, carried: log.total };
  let hubMs = 0;
  let large: string | undefined;
  for await (const event of events) {
    if (event.type === 'start') large = event.labels.large;
    if (event.type === 'work' && event.model === large) hubMs += event.computeMs + event.waitedMs;
    if (event.type !== 'token') continue;
    const { sentCount, receivedCount, upBytes, downBytes, waitedMs } = carriedSince(
      log.total,
      before.carried,
    );
    turns.push({
      ...{ ms: event.elapsedMs - before.ms, hubMs, waitedMs, callCount: sentCount },
      ...{ answerCount: receivedCount, upBytes, downBytes },
    });
    before = { ms: event.elapsedMs, carried: log.total };
    hubMs = 0;
  }
  return turns;
}

/** Without the first token, with which the device has read the prompt, and the hub's first. */
function withoutReading(turns: readonly Turn[]): readonly Turn[] {
  const firstCall = turns.findIndex(({ callCount }) => callCount > 0);
  return turns.filter((_, index) => index !== 0 && index !== firstCall);
}

function speedOf(turns: readonly Turn[]): Omit<EmulatedSpeed, 'onInterface'> {
  const sum = (of: (turn: Turn) => number): number =>
    turns.reduce((total, turn) => total + of(turn), 0);
  const mean = (of: (turn: Turn) => number): number => sum(of) / turns.length;
  const callCount = sum((turn) => turn.callCount);
  const share = (bytes: number, count: number): number | null =>
    count === 0 ? null : bytes / count;
  return {
    tokenCount: turns.length,
    time: {
      ms: mean(({ ms }) => ms),
      // Of a stream, what is awaited for a token may fall into the time of the token before.
      deviceMs: Math.max(
        0,
        mean(({ ms, waitedMs }) => ms - waitedMs),
      ),
      hubMs: mean(({ hubMs }) => hubMs),
      linkMs: mean(({ waitedMs, hubMs }) => waitedMs - hubMs),
    },
    transmittedShare: callCount / turns.length,
    upBytes: share(
      sum((turn) => turn.upBytes),
      callCount,
    ),
    downBytes: share(
      sum((turn) => turn.downBytes),
      sum(({ answerCount }) => answerCount),
    ),
  };
}
