/**
 * SGLang's `/generate` with token ids. The ids of what it wrote stand in its log-probabilities. Its streams
 * repeat all tokens in every part, or not, by a flag of the server.
 */
import { z } from 'zod';
import {
  type AnswerEnd,
  type Asking,
  answerEnd,
  BIAS_COUNT_MAX,
  type Dialect,
  PENALTIES_MISSING,
  type ServedToken,
  type ServedUsage,
  summedUsage,
  temperedMinP,
} from './dialect.ts';
import { missingBiases } from './penalties-as-biases.ts';
import { limitedBiases } from './token-limit.ts';
import { vllm } from './vllm.ts';

const PATH = '/generate';

export const sglang: Dialect = {
  sharesPrefixes: true,
  repeatsParts: true,
  omitsLogprobs: false,
  countsTokens: false,
  // Each costs its scheduler a call to the device.
  maskLimits: () => ({ onlyCountMax: BIAS_COUNT_MAX, neverCountMax: BIAS_COUNT_MAX }),
  missingSampling: (sampling) =>
    // What it repeats it counts in its own answer alone.
    sampling.repetitionPenalty !== 1 && sampling.penaltyWindow > 0
      ? PENALTIES_MISSING
      : missingBiases(sampling, { countMax: BIAS_COUNT_MAX, valueMax: Number.POSITIVE_INFINITY }),
  // As OpenAI and vLLM.
  listCall: vllm.listCall,
  readList: vllm.readList,
  tokenizeCall: vllm.tokenizeCall,
  readTokens: vllm.readTokens,
  factsCall: { path: '/get_server_info' },
  readFacts: (answer) => ({
    version: z.object({ version: z.string() }).parse(answer).version,
    contextLength: null,
  }),
  rowsCall: (texts, asking) => ({ path: PATH, body: { ...bodyOf(asking, 1), input_ids: texts } }),
  readRows(answer, count) {
    const parts = z.array(PART).length(count).parse(answer);
    const tokens = parts.map((part) => {
      const [token] = tokensOf(part);
      return token ?? (endOf(part) === 'model' ? null : ONE_TOKEN.parse(token));
    });
    return { tokens, usage: summedUsage(parts.map(usageOf)) };
  },
  // With its stop strings it would cut off the tokens that complete them, so the reader looks for them.
  streamCall: (text, { tokenCountMax }, asking) => ({
    path: PATH,
    body: { ...bodyOf(asking, tokenCountMax), input_ids: text, stream: true },
  }),
  readPart(event) {
    const part = PART.parse(event);
    const end = endOf(part);
    const { completion_tokens: count, output_token_logprobs_length: length } = part.meta_info;
    return {
      tokens: tokensOf(part),
      end,
      usage: end === null ? null : usageOf(part),
      writtenCount: length ?? count,
    };
  },
};

/** In nats: it has no bias of minus infinity. */
const NEVER = -10_000;

/** Everything that the model's own defaults could change is given. */
function bodyOf({ sampling, seed, topCount, limit }: Asking, tokenCountMax: number): object {
  const { temperature, topK, topP } = sampling;
  const logitBias = limitedBiases(sampling, limit, NEVER);
  return {
    sampling_params: {
      ...{ temperature, top_p: topP, top_k: topK === 0 ? -1 : topK, min_p: temperedMinP(sampling) },
      ...{ frequency_penalty: 0, presence_penalty: 0, repetition_penalty: 1 },
      max_new_tokens: tokenCountMax,
      ...(Object.keys(logitBias).length === 0 ? {} : { logit_bias: logitBias }),
      // Servers without deterministic inference ignore it.
      ...(seed === null ? {} : { sampling_seed: seed }),
    },
    return_logprob: true,
    // Only of what is written: the prompt's would bypass the cache.
    logprob_start_len: -1,
    top_logprobs_num: topCount ?? 0,
    return_text_in_logprobs: false,
  };
}

const ENTRY = z.tuple([z.number().nullable(), z.number().int().nonnegative()]).rest(z.unknown());

const PART = z.object({
  meta_info: z.object({
    prompt_tokens: z.number().int(),
    completion_tokens: z.number().int(),
    cached_tokens: z.number().int().nullish(),
    finish_reason: z.object({ type: z.string() }).nullish(),
    output_token_logprobs: z.array(ENTRY).nullish(),
    output_top_logprobs: z.array(z.array(ENTRY).nullable()).nullish(),
    output_token_logprobs_length: z.number().int().nullish(),
  }),
});

type Part = z.infer<typeof PART>;

const ONE_TOKEN = z.custom<ServedToken>((token) => token !== undefined, 'a token is missing');

function tokensOf({ meta_info }: Part): readonly ServedToken[] {
  const { output_token_logprobs: own, output_top_logprobs: top } = meta_info;
  return (own ?? []).map(([logprob, tokenId], index) => {
    const entries = (top?.[index] ?? []).map(
      ([value, id]) => [id, value ?? Number.NEGATIVE_INFINITY] as const,
    );
    return { tokenId, logprob, top: new Map(entries) };
  });
}

function endOf({ meta_info: { finish_reason: reason } }: Part): AnswerEnd {
  return answerEnd(reason?.type);
}

function usageOf({ meta_info }: Part): ServedUsage {
  return {
    readCount: meta_info.prompt_tokens,
    cachedCount: meta_info.cached_tokens ?? null,
    writtenCount: meta_info.completion_tokens,
  };
}
