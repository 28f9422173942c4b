/**
 * Chat completions: an answer to a conversation, as text. All engines speak OpenAI's format; they differ in
 * whether they go on with an answer that has begun, and in the parameters that they take. Pure.
 */
import { z } from 'zod';
import type { ChatMessage } from '../core/chat-message.ts';
import { penalises, type SamplingParams } from '../core/sampling-params.ts';
import { PENALTIES_MISSING, type ServedUsage } from './dialect.ts';
import type { ServerKind } from './server-address.ts';
import type { ServerCall } from './server-client.ts';

/** The names under which servers take the most tokens of an answer. */
export const LENGTH_NAMES = ['max_tokens', 'max_completion_tokens'] as const;

export interface ChatAsking {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** The beginning of the answer. */
  readonly begun: string;
  readonly sampling: SamplingParams;
  /** Null: the server draws as it likes. */
  readonly seed: number | null;
  readonly tokenCountMax: number;
  readonly lengthName: (typeof LENGTH_NAMES)[number];
}

/** A part of a streamed answer. */
export interface ChatPart {
  readonly text: string;
  /** Why the answer ends with this part; null: it goes on. */
  readonly end: 'model' | 'limit' | null;
  readonly usage: ServedUsage | null;
}

export interface ChatDialect {
  readonly listCall: ServerCall;
  /** Whether it can go on with an answer that has begun. */
  readonly continues: boolean;
  /** As `RemoteModel.missingSampling`. */
  missingSampling(sampling: SamplingParams): string | null;
  streamCall(asking: ChatAsking): ServerCall;
  /** @throws ZodError */
  readPart(event: unknown): ChatPart;
}

/** What an engine's chat differs in. */
interface ChatFacts {
  readonly path: string;
  /** Fields that make it go on with the last message; null: it cannot. */
  readonly continuing: object | null;
  /** Whether it takes top-k and min-p. */
  readonly cutsByRank: boolean;
}

const FACTS: Readonly<Record<ServerKind, ChatFacts>> = {
  vllm: {
    path: '/v1',
    continuing: { continue_final_message: true, add_generation_prompt: false },
    cutsByRank: true,
  },
  sglang: { path: '/v1', continuing: { continue_final_message: true }, cutsByRank: true },
  // It goes on with a last message of the assistant.
  'llama-server': { path: '/v1', continuing: {}, cutsByRank: true },
  // The address has the version in its path.
  openai: { path: '', continuing: null, cutsByRank: false },
};

export function chatDialect(kind: ServerKind): ChatDialect {
  const { path, continuing, cutsByRank } = FACTS[kind];
  return {
    listCall: { path: `${path}/models` },
    continues: continuing !== null,
    missingSampling(sampling) {
      if (penalises(sampling)) return PENALTIES_MISSING;
      if (Object.keys(sampling.logitBias).length > 0)
        return 'it has token ids of its own for biases';
      const cuts = sampling.temperature > 0 && (sampling.topK > 0 || sampling.minP > 0);
      return cuts && !cutsByRank ? 'it has no top-k and no min-p' : null;
    },
    streamCall: (asking) => ({
      path: `${path}/chat/completions`,
      body: {
        ...bodyOf(asking),
        ...(cutsByRank ? { top_k: asking.sampling.topK, min_p: asking.sampling.minP } : {}),
        ...(asking.begun === '' ? {} : continuing),
      },
    }),
    readPart,
  };
}

function bodyOf(asking: ChatAsking): object {
  const { model, messages, begun, sampling, seed, tokenCountMax, lengthName } = asking;
  const { temperature, topP } = sampling;
  return {
    model,
    messages: begun === '' ? messages : [...messages, { role: 'assistant', content: begun }],
    temperature,
    [lengthName]: tokenCountMax,
    stream: true,
    stream_options: { include_usage: true },
    ...(temperature === 0 || topP === 1 ? {} : { top_p: topP }),
    ...(seed === null ? {} : { seed }),
  };
}

const PART = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().nullish() }).nullish(),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: z
    .object({
      prompt_tokens: z.number().int(),
      completion_tokens: z.number().int(),
      prompt_tokens_details: z.object({ cached_tokens: z.number().int().nullish() }).nullish(),
    })
    .nullish(),
});

function readPart(event: unknown): ChatPart {
  const { choices, usage } = PART.parse(event);
  const [choice] = choices;
  const reason = choice?.finish_reason ?? null;
  return {
    text: choice?.delta?.content ?? '',
    end: reason === null ? null : reason === 'length' ? 'limit' : 'model',
    usage:
      usage === null || usage === undefined
        ? null
        : {
            readCount: usage.prompt_tokens,
            cachedCount: usage.prompt_tokens_details?.cached_tokens ?? null,
            writtenCount: usage.completion_tokens,
          },
  };
}
