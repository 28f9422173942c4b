/** Runs schemes over an emulated link, and measures each token. */
import type { MessageLog } from '../../channel/emulation/message-log.ts';
import type { TokenTime } from '../../channel/scheme-time.ts';
import type { EngineEvent } from '../../core/events.ts';
import { type EmulatedOptions, openEmulatedPair } from './emulated-pair.ts';
import { askUntil, type RunOptions } from './run-schemes.ts';
import { type LinkScheme, sentDistribution } from './schemes.ts';

export interface RunEmulatedOptions extends RunOptions, EmulatedOptions {
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
}

/**
 * Schemes that transmit drafts. A small model alone needs no link, and a large one would stream, which
 * a hub does not do.
 */
export async function runEmulated(
  schemes: readonly LinkScheme[],
  options: RunEmulatedOptions,
): Promise<ReadonlyMap<LinkScheme, EmulatedSpeed>> {
  const measured = new Map<LinkScheme, EmulatedSpeed>();
  const drafting = schemes.filter(({ sends }) => sends !== null);
  if (drafting.length === 0) return measured;
  await using pair = await openEmulatedPair(options);
  for (const sends of new Set(drafting.map((scheme) => scheme.sends ?? undefined))) {
    await using engine = await pair.device({ ...options.uplink, sends });
    for (const scheme of drafting.filter((one) => (one.sends ?? undefined) === sends)) {
      const turns: Turn[] = [];
      const asked = { ...options, tokenCount: tokenCountOf(scheme, options) };
      const label = `Running ${scheme.name} over the link`;
      await askUntil(engine, scheme, { ...asked, label }, async (events) => {
        const own = await turnsOf(events, pair.log);
        turns.push(...withoutReading(own));
        return own.length;
      });
      measured.set(scheme, speedOf(turns));
    }
  }
  return measured;
}

function tokenCountOf(scheme: LinkScheme, options: RunEmulatedOptions): number {
  const { tokenCount, fullTokenCount, temperature, uplink } = options;
  const isFull = sentDistribution(scheme, temperature, uplink).kind === 'full';
  return isFull ? Math.min(tokenCount, fullTokenCount) : tokenCount;
}

/** One token, as the device saw it. */
interface Turn {
  readonly ms: number;
  /** What the hub computed, and waited for its model. */
  readonly hubMs: number;
  /** From the sending of its messages to their answers. */
  readonly waitedMs: number;
  readonly callCount: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

async function turnsOf(events: AsyncIterable<EngineEvent>, log: MessageLog): Promise<Turn[]> {
  const turns: Turn[] = [];
  let before = 0;
  let hubMs = 0;
  let large: string | undefined;
  // The end of the answer before.
  log.take();
  for await (const event of events) {
    if (event.type === 'start') large = event.labels.large;
    if (event.type === 'work' && event.model === large) hubMs += event.computeMs + event.waitedMs;
    if (event.type !== 'token') continue;
    const { sentCount, upBytes, downBytes, waitedMs } = log.take();
    turns.push({
      ...{ ms: event.elapsedMs - before, hubMs, waitedMs, callCount: sentCount },
      ...{ upBytes, downBytes },
    });
    before = event.elapsedMs;
    hubMs = 0;
  }
  return turns;
}

/** Without the first token, with which the device has read the prompt, and the hub's first. */
function withoutReading(turns: readonly Turn[]): readonly Turn[] {
  const firstCall = turns.findIndex(({ callCount }) => callCount > 0);
  return turns.filter((_, index) => index !== 0 && index !== firstCall);
}

function speedOf(turns: readonly Turn[]): EmulatedSpeed {
  const sum = (of: (turn: Turn) => number): number =>
    turns.reduce((total, turn) => total + of(turn), 0);
  const mean = (of: (turn: Turn) => number): number => sum(of) / turns.length;
  const callCount = sum((turn) => turn.callCount);
  const perCall = (bytes: number): number | null => (callCount === 0 ? null : bytes / callCount);
  return {
    tokenCount: turns.length,
    time: {
      ms: mean(({ ms }) => ms),
      deviceMs: mean(({ ms, waitedMs }) => ms - waitedMs),
      hubMs: mean(({ hubMs }) => hubMs),
      linkMs: mean(({ waitedMs, hubMs }) => waitedMs - hubMs),
    },
    transmittedShare: callCount / turns.length,
    upBytes: perCall(sum(({ upBytes }) => upBytes)),
    downBytes: perCall(sum(({ downBytes }) => downBytes)),
  };
}
