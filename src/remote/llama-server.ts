/**
 * llama-server's `/completion` with token ids. It samples in the order of this program: bias, penalties
 * over a window of the text, top-k, top-p, min-p, temperature. Some builds name no token for the end.
 */
import { z } from 'zod';
import {
  type AnswerEnd,
  type Asking,
  type Dialect,
  type ServedToken,
  type ServedUsage,
  summedUsage,
} from './dialect.ts';
import { limitedBiases } from './token-limit.ts';

const PATH = '/completion';

const LIFTED_COUNT_MAX = 1024;
/** More than any vocabulary has; a whole one is a call of some 2 MB. */
const NEVER_COUNT_MAX = 1 << 20;

export const llamaServer: Dialect = {
  // Each of its slots has a cache of its own.
  sharesPrefixes: false,
  repeatsParts: false,
  // Of a token that ends within a character.
  omitsLogprobs: true,
  countsTokens: true,
  // Its repetition penalty would scale what lifts a token. Forbidden tokens come one by one.
  maskLimits: ({ repetitionPenalty }) => ({
    onlyCountMax: repetitionPenalty === 1 ? LIFTED_COUNT_MAX : 0,
    neverCountMax: NEVER_COUNT_MAX,
  }),
  missingSampling: () => null,
  listCall: { path: '/v1/models' },
  readList: (answer) =>
    LIST.parse(answer).data.map(({ id }) => ({ name: id, contextLength: null })),
  factsCall: { path: '/props' },
  readFacts(answer) {
    const { build_info, default_generation_settings } = PROPS.parse(answer);
    // The context of one slot.
    return { version: build_info, contextLength: default_generation_settings.n_ctx };
  },
  tokenizeCall: (content) => ({
    path: '/tokenize',
    body: { content, add_special: false, parse_special: true },
  }),
  readTokens: (answer) => z.object({ tokens: z.array(z.number().int()) }).parse(answer).tokens,
  rowsCall: (texts, asking) => ({
    path: PATH,
    body: { ...bodyOf(asking), prompt: texts.length === 1 ? texts[0] : texts, n_predict: 1 },
  }),
  readRows(answer, count) {
    const parts = z.array(PART).parse(Array.isArray(answer) ? answer : [answer]);
    const byIndex = new Map(parts.map((part) => [part.index, part]));
    const tokens = Array.from({ length: count }, (_, index) => {
      const part = PART.parse(byIndex.get(index));
      const [token] = tokensOf(part);
      return token ?? (isEnd(part) ? null : ONE_TOKEN.parse(token));
    });
    return { tokens, usage: summedUsage(parts.map(usageOf)) };
  },
  // With its stop strings it would cut off the tokens that complete them, so the reader looks for them.
  streamCall: (text, { tokenCountMax }, asking) => ({
    path: PATH,
    body: { ...bodyOf(asking), prompt: text, n_predict: tokenCountMax, stream: true },
  }),
  readPart(event) {
    const part = PART.parse(event);
    const isLast = part.stop;
    return {
      tokens: tokensOf(part),
      end: isLast ? endOf(part) : null,
      usage: isLast ? usageOf(part) : null,
      writtenCount: part.tokens_predicted,
    };
  },
  // A token that ends within a character comes with no part of a stream: only its text comes later.
  whole: {
    call: (text, count, asking) => ({
      path: PATH,
      body: { ...bodyOf(asking), prompt: text, n_predict: count },
    }),
    read: (answer) => tokensOf(PART.parse(answer)),
  },
};

/** Everything that the server's own defaults could change is given. */
function bodyOf({ sampling, seed, topCount, limit }: Asking): object {
  const { temperature, topK, topP, minP } = sampling;
  const logitBias = limitedBiases(sampling, limit, false as const);
  return {
    temperature,
    top_k: topK,
    top_p: topP,
    min_p: minP,
    repeat_last_n: sampling.penaltyWindow,
    repeat_penalty: sampling.repetitionPenalty,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    samplers: ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'],
    logit_bias: Object.entries(logitBias).map(([id, bias]) => [Number(id), bias]),
    cache_prompt: true,
    return_tokens: true,
    // Without any the token's own log-probability is missing, too.
    n_probs: topCount === null ? 0 : Math.max(1, topCount),
    ...(seed === null ? {} : { seed }),
  };
}

const LIST = z.object({ data: z.array(z.object({ id: z.string() })) });

const PROPS = z.object({
  build_info: z.string(),
  default_generation_settings: z.object({ n_ctx: z.number().int().positive() }),
});

const PROBABILITY = z.object({ id: z.number().int(), logprob: z.number().nullable() });

const PART = z.object({
  index: z.number().int(),
  tokens: z.array(z.number().int().nonnegative()),
  stop: z.boolean(),
  stop_type: z.string().nullish(),
  tokens_predicted: z.number().int(),
  tokens_evaluated: z.number().int(),
  timings: z.object({ cache_n: z.number().int().nullish() }).nullish(),
  completion_probabilities: z
    .array(PROBABILITY.extend({ top_logprobs: z.array(PROBABILITY) }))
    .nullish(),
});

type Part = z.infer<typeof PART>;

const ONE_TOKEN = z.custom<ServedToken>((token) => token !== undefined, 'a token is missing');

function isEnd({ stop_type }: Part): boolean {
  return stop_type === 'eos';
}

function endOf({ stop_type }: Part): AnswerEnd {
  if (stop_type === 'limit') return 'limit';
  return stop_type === 'eos' ? 'model' : 'broken';
}

/** Tokens and log-probabilities have one order, but not every token has its own. */
function tokensOf({ tokens, completion_probabilities }: Part): readonly ServedToken[] {
  const left = [...(completion_probabilities ?? [])];
  return tokens.map((tokenId) => {
    const found = left[0]?.id === tokenId ? left.shift() : undefined;
    const top = (found?.top_logprobs ?? []).map(
      ({ id, logprob }) => [id, logprob ?? Number.NEGATIVE_INFINITY] as const,
    );
    return { tokenId, logprob: found?.logprob ?? null, top: new Map(top) };
  });
}

function usageOf({ tokens_evaluated, tokens_predicted, timings }: Part): ServedUsage {
  return {
    readCount: tokens_evaluated,
    cachedCount: timings?.cache_n ?? null,
    writtenCount: tokens_predicted,
  };
}
