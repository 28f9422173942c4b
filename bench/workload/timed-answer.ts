/** One answer of the engine with the figures that a comparison of strategies needs. */
import { z } from 'zod';
import type { EngineEvent } from '../../src/core/events.ts';
import { invariant } from '../../src/core/invariant.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';

export const timedAnswerSchema: z.ZodType<TimedAnswer> = z.object({
  tokenCount: z.int(),
  elapsedMs: z.number(),
  decodeTokensPerSecond: z.number(),
  text: z.string(),
  draftedCount: z.int(),
  acceptedCount: z.int(),
  lookupAcceptedCount: z.int(),
  notes: z.array(z.string()),
});

export interface TimedAnswer {
  readonly tokenCount: number;
  /** The whole request, prefill included. */
  readonly elapsedMs: number;
  /** From the first token on, so that prefill does not dilute the difference. */
  readonly decodeTokensPerSecond: number;
  readonly text: string;
  readonly draftedCount: number;
  readonly acceptedCount: number;
  /** The accepted drafts that prompt lookup made. */
  readonly lookupAcceptedCount: number;
  readonly notes: readonly string[];
}

/** @returns null for an answer of fewer than two tokens, which has no speed */
export async function timedAnswer(
  engine: Engine,
  request: GenerateRequest,
): Promise<TimedAnswer | null> {
  const began = performance.now();
  const times: number[] = [];
  const events: EngineEvent[] = [];
  for await (const event of engine.generate(request)) {
    if (event.type === 'token') times.push(performance.now() - began);
    events.push(event);
  }
  const elapsedMs = performance.now() - began;
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || last <= first) return null;
  return {
    tokenCount: times.length,
    elapsedMs,
    decodeTokensPerSecond: ((times.length - 1) * 1000) / (last - first),
    ...draftCounts(events),
    ...ending(events),
  };
}

function draftCounts(
  events: readonly EngineEvent[],
): Pick<TimedAnswer, 'draftedCount' | 'acceptedCount' | 'lookupAcceptedCount'> {
  const verified = events.flatMap((event) =>
    event.type === 'token' && event.verified ? event : [],
  );
  const verifications = events.flatMap((event) =>
    // One output row after the text, and one after every draft.
    event.type === 'work' && event.purpose === 'verify' ? event.outputRowCount - 1 : [],
  );
  return {
    draftedCount: verifications.reduce((sum, drafts) => sum + drafts, 0),
    acceptedCount: verified.length,
    lookupAcceptedCount: verified.filter(({ origin }) => origin === 'prompt-lookup').length,
  };
}

function ending(events: readonly EngineEvent[]): Pick<TimedAnswer, 'text' | 'notes'> {
  const last = events.at(-1);
  invariant(last?.type === 'summary', 'a run ends with its summary');
  return { text: last.text, notes: last.notes };
}
