/** The body of `POST /v1/completions`. */
import { z } from 'zod';
import type { GenerateRequest } from '../../engine/request.ts';
import { COMMON_FIELDS, type CommonFields } from './common-fields.ts';

/** The most prompts of one request. */
const PROMPT_COUNT_MAX = 64;
/** As the API's own default. */
const MAX_TOKENS_DEFAULT = 16;

type Prompt = string | readonly number[];

export interface CompletionRequest extends CommonFields {
  readonly prompt: Prompt | readonly Prompt[];
  readonly max_tokens?: number | null | undefined;
  readonly logprobs?: number | null | undefined;
  readonly echo?: boolean | null | undefined;
}

const TOKENS = z.array(z.int().min(0)).min(1);

export const COMPLETION_REQUEST: z.ZodType<CompletionRequest> = z.object({
  ...COMMON_FIELDS,
  prompt: z.union([
    z.string(),
    TOKENS,
    z
      .array(z.union([z.string(), TOKENS]))
      .min(1)
      .max(PROMPT_COUNT_MAX),
  ]),
  max_tokens: z.int().min(0).nullish(),
  logprobs: z.int().min(0).nullish(),
  echo: z.boolean().nullish(),
});

export type CompletionPrompt = Pick<GenerateRequest, 'prompt' | 'promptTokenIds'>;

export function promptsOf({ prompt }: CompletionRequest): readonly CompletionPrompt[] {
  if (typeof prompt === 'string') return [{ prompt }];
  if (isTokens(prompt)) return [{ promptTokenIds: prompt }];
  return prompt.map((one) => (typeof one === 'string' ? { prompt: one } : { promptTokenIds: one }));
}

function isTokens(prompt: readonly (Prompt | number)[]): prompt is readonly number[] {
  return typeof prompt[0] === 'number';
}

export function maxTokensOf({ max_tokens }: CompletionRequest): number {
  return max_tokens ?? MAX_TOKENS_DEFAULT;
}
