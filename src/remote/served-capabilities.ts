/** What a strategy may ask of a model on a server, by what the server was seen to do. Pure. */
import { TOP_LOGPROBS_MAX } from '../core/row-reads.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import { isDecidedByTop } from './draw-from-top.ts';
import type { ServerAbilities } from './probe-server.ts';

/** More texts of one call would make it large: each is sent whole. */
const TEXT_COUNT_MAX = 64;

export function servedCapabilities({
  topCountMax,
  isBeforeSampling,
  takesBatches,
}: ServerAbilities): SessionCapabilities {
  // The port's log-probabilities are those of the model, and not of the sampler.
  const topLogprobs = isBeforeSampling ? Math.min(topCountMax ?? 0, TOP_LOGPROBS_MAX) : 0;
  const isExact = topLogprobs > 0;
  return {
    reads: {
      logprob: topCountMax !== null && isBeforeSampling,
      topLogprobs,
      distribution: isExact,
    },
    outputRowCountMax: takesBatches ? TEXT_COUNT_MAX : 1,
    sharesNoise: isExact,
    ...(isExact ? { exactTopK: topLogprobs } : {}),
    keepsGrammar: true,
    givesVerdicts: false,
    continuesTexts: true,
    input: 'token-ids',
  };
}

/**
 * Greedy rows need no noise, and others are drawn here if the largest log-probabilities decide them. Under
 * a grammar they may be those of forbidden tokens.
 */
export function capabilitiesFor(
  all: SessionCapabilities,
  sampling: SamplingParams,
  hasGrammar: boolean,
): SessionCapabilities {
  if (hasGrammar) {
    const { exactTopK: _, ...rest } = all;
    const isGreedy = sampling.temperature === 0;
    const { logprob } = all.reads;
    return { ...rest, reads: { logprob, distribution: isGreedy }, sharesNoise: isGreedy };
  }
  const { topLogprobs = 0 } = all.reads;
  const isExact = sampling.temperature === 0 || isDecidedByTop(sampling, topLogprobs);
  if (isExact) return { ...all, reads: { ...all.reads, distribution: true }, sharesNoise: true };
  return { ...all, reads: { ...all.reads, distribution: false }, sharesNoise: false };
}
