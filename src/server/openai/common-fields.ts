/** The fields that chats and completions share. */
import { z } from 'zod';
import { definedFields } from '../../core/defined-fields.ts';
import type { SamplingParams } from '../../core/sampling-params.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { PartOptions } from './head.ts';

/** The most answers of one request. */
export const ANSWER_COUNT_MAX = 16;
const SEED_COUNT = 2 ** 48;

type Maybe<T> = T | null | undefined;

export interface CommonFields {
  readonly model: string;
  readonly stream?: Maybe<boolean>;
  readonly stream_options?: Maybe<{ readonly include_usage?: Maybe<boolean> }>;
  readonly n?: Maybe<number>;
  readonly stop?: Maybe<string | readonly string[]>;
  readonly seed?: Maybe<number>;
  readonly temperature?: Maybe<number>;
  readonly top_p?: Maybe<number>;
  readonly top_k?: Maybe<number>;
  readonly min_p?: Maybe<number>;
  readonly presence_penalty?: Maybe<number>;
  readonly frequency_penalty?: Maybe<number>;
  readonly repetition_penalty?: Maybe<number>;
  readonly logit_bias?: Maybe<Readonly<Record<string, number>>>;
  readonly pilotfish?: Maybe<{
    /** Counts more than the model's name. */
    readonly strategy?: Maybe<string>;
    /** Whether the answer says of every token which model wrote it. */
    readonly provenance?: Maybe<boolean>;
  }>;
}

type Shape = { readonly [K in keyof CommonFields]-?: z.ZodType<CommonFields[K]> };

const NUMBER = z.number().nullish();

/** Unknown fields are tolerated, because clients send many. */
export const COMMON_FIELDS: Shape = {
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1).max(ANSWER_COUNT_MAX).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  seed: z.int().nullish(),
  temperature: NUMBER,
  top_p: NUMBER,
  top_k: z.int().nullish(),
  min_p: NUMBER,
  presence_penalty: NUMBER,
  frequency_penalty: NUMBER,
  repetition_penalty: NUMBER,
  logit_bias: z.record(z.string(), z.number()).nullish(),
  pilotfish: z
    .object({ strategy: z.string().nullish(), provenance: z.boolean().nullish() })
    .nullish(),
};

/** The API's own default; a request that wants the best token says 0. */
const TEMPERATURE_DEFAULT = 1;

/** The part of a run that both kinds of requests ask for alike. */
export function requestOf(
  fields: CommonFields,
): Pick<GenerateRequest, 'sampling' | 'stop' | 'seed'> & { readonly seed: number } {
  return { sampling: samplingOf(fields), stop: stopsOf(fields), seed: seedOf(fields) };
}

export function partOptionsOf(
  { pilotfish, stream_options: options, n }: CommonFields,
  logprobs: boolean,
): PartOptions {
  return {
    logprobs,
    provenance: pilotfish?.provenance ?? false,
    includesUsage: options?.include_usage ?? false,
    answersPerPrompt: n ?? 1,
  };
}

function samplingOf(fields: CommonFields): Partial<SamplingParams> {
  return {
    temperature: fields.temperature ?? TEMPERATURE_DEFAULT,
    ...definedFields({
      topP: fields.top_p ?? undefined,
      // vLLM's word for all tokens is -1.
      topK: fields.top_k === -1 ? 0 : (fields.top_k ?? undefined),
      minP: fields.min_p ?? undefined,
      presencePenalty: fields.presence_penalty ?? undefined,
      frequencyPenalty: fields.frequency_penalty ?? undefined,
      repetitionPenalty: fields.repetition_penalty ?? undefined,
      logitBias: fields.logit_bias ?? undefined,
    }),
  };
}

function stopsOf({ stop }: CommonFields): readonly string[] {
  if (stop === null || stop === undefined) return [];
  return typeof stop === 'string' ? [stop] : stop;
}

/** Without a seed no two requests are alike. */
function seedOf({ seed }: CommonFields): number {
  return seed ?? Math.floor(Math.random() * SEED_COUNT);
}
