/**
 * vLLM's `/v1/completions` with token ids (VLLM 0.32). A batch of texts is one call: the engine computes
 * them together, and its prefix cache holds what they share.
 */
import { z } from 'zod';
import { penalises, type SamplingParams } from '../core/sampling-params.ts';
import {
  type Asking,
  answerEnd,
  BIAS_COUNT_MAX,
  type Dialect,
  type ServedToken,
  type ServedUsage,
  temperedMinP,
} from './dialect.ts';
import { missingBiases, subtracts } from './penalties-as-biases.ts';
import { limitedBiases } from './token-limit.ts';

/** The most that vLLM takes. The reader looks for all of them, and leaves the stream there. */
const STOP_COUNT_MAX = 4;
const PATH = '/v1/completions';

/** The range of a bias in OpenAI's API, which vLLM checks. */
const LOGIT_BIAS_MAX = 100;

export const vllm: Dialect = {
  sharesPrefixes: true,
  repeatsParts: false,
  omitsLogprobs: false,
  countsTokens: false,
  maskLimits: () => ({ onlyCountMax: BIAS_COUNT_MAX, neverCountMax: BIAS_COUNT_MAX }),
  missingSampling: (sampling, contextLength) =>
    missingRepetition(sampling, contextLength) ??
    missingBiases(sampling, { countMax: BIAS_COUNT_MAX, valueMax: LOGIT_BIAS_MAX }),
  listCall: { path: '/v1/models' },
  readList: (answer) =>
    LIST.parse(answer).data.map(({ id, max_model_len }) => ({
      name: id,
      contextLength: max_model_len ?? null,
    })),
  factsCall: { path: '/version' },
  readFacts: (answer) => ({
    version: z.object({ version: z.string() }).parse(answer).version,
    contextLength: null,
  }),
  tokenizeCall: (prompt, model) => ({
    path: '/tokenize',
    body: { model, prompt, add_special_tokens: false },
  }),
  readTokens: (answer) => z.object({ tokens: z.array(z.number().int()) }).parse(answer).tokens,
  rowsCall: (texts, asking) => ({
    path: PATH,
    body: { ...bodyOf(asking), prompt: texts, max_tokens: 1 },
  }),
  readRows(answer, count) {
    const { choices, usage } = ANSWER.parse(answer);
    const byIndex = new Map(choices.map((choice) => [choice.index, choice]));
    const tokens = Array.from({ length: count }, (_, index) => {
      const choice = CHOICE.parse(byIndex.get(index));
      const [token] = tokensOf(choice);
      return token ?? (choice.finish_reason === 'stop' ? null : ONE_TOKEN.parse(token));
    });
    return { tokens, usage: usageOf(usage) };
  },
  streamCall: (text, { tokenCountMax, texts = [] }, asking) => ({
    path: PATH,
    body: {
      ...bodyOf(asking),
      ...{ prompt: text, max_tokens: tokenCountMax, stream: true },
      stream_options: { include_usage: true, continuous_usage_stats: true },
      ...(texts.length === 0
        ? {}
        : { stop: texts.slice(0, STOP_COUNT_MAX), include_stop_str_in_output: true }),
    },
  }),
  readPart(event) {
    const { choices, usage } = ANSWER.parse(event);
    const [choice] = choices;
    return {
      tokens: choice === undefined ? [] : tokensOf(choice),
      end: answerEnd(choice?.finish_reason),
      // The usage of a part with tokens is that up to it.
      usage: choice === undefined ? usageOf(usage) : null,
      writtenCount: usage?.completion_tokens ?? null,
    };
  },
};

/** Its repetition penalty counts the whole text, and comes after all biases. */
function missingRepetition(sampling: SamplingParams, contextLength: number): string | null {
  const { repetitionPenalty, penaltyWindow } = sampling;
  if (repetitionPenalty === 1 || !penalises(sampling)) return null;
  if (subtracts(sampling)) return 'it has no repetition penalty before other penalties';
  if (penaltyWindow >= contextLength) return null;
  const least = `a penalty window of ${contextLength} tokens or more`;
  return `its repetition penalty counts the whole text: give ${least}`;
}

/** Everything that a model's own defaults on the server could change is given. */
function bodyOf({ model, sampling, seed, topCount, limit }: Asking): object {
  const { temperature, topK, topP } = sampling;
  const only = limit !== undefined && 'only' in limit ? limit.only : null;
  const logitBias = limitedBiases(sampling, only === null ? limit : undefined, -LOGIT_BIAS_MAX);
  return {
    model,
    temperature,
    top_p: topP,
    top_k: topK,
    min_p: temperedMinP(sampling),
    repetition_penalty: penalises(sampling) ? sampling.repetitionPenalty : 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    return_token_ids: true,
    return_tokens_as_token_ids: true,
    ...(Object.keys(logitBias).length === 0 ? {} : { logit_bias: logitBias }),
    ...(only === null ? {} : { allowed_token_ids: only }),
    ...(seed === null ? {} : { seed }),
    ...(topCount === null ? {} : { logprobs: topCount }),
  };
}

const LIST = z.object({
  data: z.array(z.object({ id: z.string(), max_model_len: z.number().int().positive().nullish() })),
});

const LOGPROBS = z.object({
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish(),
});

const CHOICE = z.object({
  index: z.number().int(),
  token_ids: z.array(z.number().int().nonnegative()),
  logprobs: LOGPROBS.nullish(),
  finish_reason: z.string().nullish(),
});

const USAGE = z.object({
  prompt_tokens: z.number().int(),
  completion_tokens: z.number().int().nullish(),
  prompt_tokens_details: z.object({ cached_tokens: z.number().int().nullish() }).nullish(),
});

const ANSWER = z.object({ choices: z.array(CHOICE), usage: USAGE.nullish() });

const ONE_TOKEN = z.custom<ServedToken>((token) => token !== undefined, 'a token is missing');

function tokensOf({ token_ids: ids, logprobs }: z.infer<typeof CHOICE>): readonly ServedToken[] {
  return ids.map((tokenId, index) => ({
    tokenId,
    logprob: logprobs?.token_logprobs[index] ?? null,
    top: topOf(logprobs?.top_logprobs?.[index] ?? {}),
  }));
}

/** Keys are `token_id:470`. */
function topOf(logprobs: Readonly<Record<string, number>>): ReadonlyMap<number, number> {
  const ids = Object.entries(logprobs).map(
    ([key, logprob]) => [Number(key.slice(key.indexOf(':') + 1)), logprob] as const,
  );
  return new Map(ids.filter(([id]) => Number.isSafeInteger(id)));
}

function usageOf(usage: z.infer<typeof USAGE> | null | undefined): ServedUsage | null {
  if (usage === null || usage === undefined) return null;
  return {
    readCount: usage.prompt_tokens,
    cachedCount: usage.prompt_tokens_details?.cached_tokens ?? null,
    writtenCount: usage.completion_tokens ?? 0,
  };
}
