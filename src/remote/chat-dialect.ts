/**
 * Chat completions: an answer to a conversation, as text. All engines speak OpenAI's format; they differ in
 * whether they go on with an answer that has begun, and in the parameters that they take. Pure.
 */
import { z } from 'zod';
import type { ChatMessage } from '../core/chat-message.ts';
import { penalises, type SamplingParams } from '../core/sampling-params.ts';
import {
  type AnswerEnd,
  answerEnd,
  PENALTIES_MISSING,
  type ServedUsage,
  temperedMinP,
} from './dialect.ts';
import type { ServerKind } from './server-address.ts';
import type { ServerCall } from './server-client.ts';

/** The names under which servers take the most tokens of an answer. */
export const LENGTH_NAMES = ['max_tokens', 'max_completion_tokens'] as const;

export interface ChatAsking {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** The beginning of the answer. */
  readonly begun: string;
  /** Null: as the server likes. */
  readonly sampling: SamplingParams | null;
  /** Null: the server draws as it likes. */
  readonly seed: number | null;
  readonly tokenCountMax: number;
  readonly lengthName: (typeof LENGTH_NAMES)[number];
}

/** A part of a streamed answer. */
export interface ChatPart {
  readonly text: string;
  readonly end: AnswerEnd;
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
  /** Everything else that a model's own defaults could change; null: it takes no such parameters. */
  readonly others: ((sampling: SamplingParams) => object) | null;
}

const PENALTIES = { presence_penalty: 0, frequency_penalty: 0 };

/** Engines that divide by the temperature before they cut the distribution. */
const tempered = (sampling: SamplingParams): object => ({
  ...{ top_p: sampling.topP, top_k: sampling.topK === 0 ? -1 : sampling.topK },
  ...{ min_p: temperedMinP(sampling), repetition_penalty: 1, ...PENALTIES },
});

const FACTS: Readonly<Record<ServerKind, ChatFacts>> = {
  vllm: {
    path: '/v1',
    continuing: { continue_final_message: true, add_generation_prompt: false },
    others: tempered,
  },
  sglang: { path: '/v1', continuing: { continue_final_message: true }, others: tempered },
  // It goes on with a last message of the assistant.
  'llama-server': {
    path: '/v1',
    continuing: {},
    others: ({ topK, topP, minP }) => ({
      ...{ top_p: topP, top_k: topK, min_p: minP, repeat_penalty: 1, ...PENALTIES },
    }),
  },
  // The address has the version in its path.
  openai: { path: '', continuing: null, others: null },
};

export function chatDialect(kind: ServerKind): ChatDialect {
  const { path, continuing, others } = FACTS[kind];
  return {
    listCall: { path: `${path}/models` },
    continues: continuing !== null,
    missingSampling(sampling) {
      if (penalises(sampling)) return PENALTIES_MISSING;
      if (Object.keys(sampling.logitBias).length > 0)
        return 'it has token ids of its own for biases';
      const cuts = sampling.temperature > 0 && (sampling.topK > 0 || sampling.minP > 0);
      return cuts && others === null ? 'it has no top-k and no min-p' : null;
    },
    streamCall: (asking) => ({
      path: `${path}/chat/completions`,
      body: {
        ...bodyOf(asking),
        ...(asking.sampling === null ? {} : (others?.(asking.sampling) ?? {})),
        ...(asking.begun === '' ? {} : continuing),
      },
    }),
    readPart,
  };
}

function bodyOf(asking: ChatAsking): object {
  const { model, messages, begun, sampling, seed, tokenCountMax, lengthName } = asking;
  return {
    model,
    messages: begun === '' ? messages : [...messages, { role: 'assistant', content: begun }],
    ...(sampling === null ? {} : { temperature: sampling.temperature }),
    [lengthName]: tokenCountMax,
    stream: true,
    stream_options: { include_usage: true },
    ...(sampling === null || sampling.topP === 1 ? {} : { top_p: sampling.topP }),
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
  return {
    text: choice?.delta?.content ?? '',
    end: answerEnd(choice?.finish_reason),
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
