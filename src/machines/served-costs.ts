/**
 * The costs of a large model on a server, from times of calls that were measured there. A call has a round
 * trip, which a streamed token has not; the rest is cut into forwards, so that the predictor and advice
 * need not know that a server computes them. Pure.
 */
import type { ForwardCosts } from './forward-costs.ts';
import type { CurvePoint, MeasuredModel, ModelIdentity } from './machine-profile.ts';

/** Milliseconds, medians. */
export interface ServedTimes {
  /** From a streamed token to the next. */
  readonly tokenMs: number;
  /** Of calls for one token: the whole text is new to the server. */
  readonly fresh: readonly [shorter: ReadCall, longer: ReadCall];
  /** The longer call again, one token longer: the server may have kept what it read. */
  readonly againMs: number;
  /**
   * Calls for one token behind a text that has grown since the last call, by the number of its new tokens:
   * the first point is for one. Empty: it takes no text that has begun.
   */
  readonly calls: readonly CurvePoint[];
  /** Calls for the next token after each of several prefixes, by their number. Empty: it has none. */
  readonly batches: readonly CurvePoint[];
  /** The tokens of the text during these calls. */
  readonly textTokenCount: number;
  /** How far equal calls lie apart: (median - minimum) / minimum, in the middle of the kinds of calls. */
  readonly spread: number;
}

/** Equal calls that lie further apart say that the server, the network or this machine had other work. */
export const STEADY_SPREAD_MAX = 0.5;

export interface ReadCall {
  readonly tokenCount: number;
  readonly ms: number;
}

export interface ServedCosts {
  /** What a call costs beside its tokens. */
  readonly roundTripMs: number;
  /** Of a token that is new to the server. */
  readonly readMs: number;
  /** Null: reading costs too little to tell. */
  readonly keepsPrefix: boolean | null;
  readonly model: Pick<
    MeasuredModel,
    'cachedTokenCount' | 'decode' | 'prefill' | 'attention' | 'overheadMs' | 'readingMs'
  >;
}

/** A reading that is a smaller part of its call does not show whether the next call was spared it. */
const SHOWN_PART = 0.1;
/** The costs of a forward are positive. */
const LEAST_MS = 1e-3;

export function servedCosts(times: ServedTimes): ServedCosts {
  const { fresh, tokenMs, textTokenCount, againMs } = times;
  const [shorter, longer] = fresh;
  const apart = longer.tokenCount - shorter.tokenCount;
  const readMs = Math.max(LEAST_MS, (longer.ms - shorter.ms) / apart);
  const readAllMs = readMs * longer.tokenCount;
  const isShown = readAllMs > SHOWN_PART * longer.ms;
  const keepsPrefix = isShown ? longer.ms - againMs > readAllMs / 2 : null;
  const [one] = times.calls;
  const readBefore = one !== undefined && keepsPrefix !== false ? 0 : readMs * textTokenCount;
  const oneMs = one?.ms ?? shorter.ms - readMs * (shorter.tokenCount - textTokenCount);
  const roundTripMs = Math.max(0, oneMs - tokenMs - readBefore);
  const batches = times.batches.map(({ rowCount, ms }) => ({
    rowCount,
    ms: ms - roundTripMs - readBefore,
  }));
  return {
    ...{ roundTripMs, readMs, keepsPrefix },
    model: {
      cachedTokenCount: textTokenCount,
      decode: rising([{ rowCount: 1, ms: tokenMs }, ...batches]),
      prefill: reading(times, readMs),
      ...{ attention: [], overheadMs: 0, readingMs: { logprob: 0, uncertainty: 0, draw: 0 } },
    },
  };
}

/** The costs as those of any measured model. */
export function servedModel(
  { name, weightBytes }: ModelIdentity,
  { model }: ServedCosts,
): MeasuredModel {
  return {
    ...{ model: name, weightBytes, threadCount: 1, ...model },
    ...{ measuredAt: new Date().toISOString(), isQuick: true, spread: 0 },
  };
}

/** Of a server that reads the whole text at every call, which is counted by its length. */
export function withoutReading(costs: ForwardCosts): ForwardCosts {
  const forwardMs: ForwardCosts['forwardMs'] = (shape) => {
    const { outputRowCount } = shape;
    return outputRowCount === 0 ? 0 : costs.forwardMs({ ...shape, rowCount: outputRowCount });
  };
  return { ...costs, forwardMs };
}

/** What further tokens of a text add to a call, and what a long text costs to read. */
function reading({ calls, fresh }: ServedTimes, readMs: number): readonly CurvePoint[] {
  const [one, ...grown] = calls;
  const long = { rowCount: fresh[1].tokenCount, ms: readMs * fresh[1].tokenCount };
  if (one === undefined) return [long];
  const more = grown.map(({ rowCount, ms }) => ({ rowCount, ms: readMs + ms - one.ms }));
  return rising([{ rowCount: 1, ms: readMs }, ...more, long]);
}

/** More rows never cost less: a point below an earlier one was measured badly. */
function rising(points: readonly CurvePoint[]): readonly CurvePoint[] {
  let most = LEAST_MS;
  return points.map(({ rowCount, ms }) => {
    most = Math.max(most, ms);
    return { rowCount, ms: most };
  });
}
