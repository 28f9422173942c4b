/** The body of `POST /v1/chat/completions`. */
import { z } from 'zod';
import type { ChatMessage } from '../../core/chat-message.ts';
import type { GrammarRequest } from '../../grammar/grammar-request.ts';
import { COMMON_FIELDS, type CommonFields } from './common-fields.ts';

export interface ChatRequest extends CommonFields {
  readonly messages: readonly {
    readonly role: 'system' | 'developer' | 'user' | 'assistant';
    readonly content: string | readonly { readonly text: string }[];
  }[];
  readonly max_tokens?: number | null | undefined;
  readonly max_completion_tokens?: number | null | undefined;
  readonly logprobs?: boolean | null | undefined;
  readonly response_format?: ResponseFormat | null | undefined;
}

type ResponseFormat =
  | { readonly type: 'text' | 'json_object' }
  | {
      readonly type: 'json_schema';
      readonly json_schema: {
        readonly schema: Readonly<Record<string, unknown>>;
        readonly strict?: boolean | null | undefined;
      };
    };

const TEXT_PART = z.object({ type: z.literal('text'), text: z.string() });

type ChatMessages = ChatRequest['messages'];

const MESSAGE = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(TEXT_PART)], {
    error: 'it must be text, or a list of text parts: no model here reads images or sound',
  }),
});

export const CHAT_MESSAGES: z.ZodType<ChatMessages> = z.array(MESSAGE).min(1);

const RESPONSE_FORMAT = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['text', 'json_object']) }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      schema: z.record(z.string(), z.unknown()),
      strict: z.boolean().nullish(),
    }),
  }),
]);

export const CHAT_REQUEST: z.ZodType<ChatRequest> = z.object({
  ...COMMON_FIELDS,
  messages: CHAT_MESSAGES,
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  response_format: RESPONSE_FORMAT.nullish(),
});

export function chatMessages({ messages }: Pick<ChatRequest, 'messages'>): readonly ChatMessage[] {
  return messages.map(({ role, content }) => ({
    // Newer clients call the system a developer.
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  }));
}

export function chatGrammar({ response_format: format }: ChatRequest): GrammarRequest | undefined {
  if (format?.type === 'json_object') return { json: true };
  if (format?.type !== 'json_schema') return undefined;
  const { schema, strict } = format.json_schema;
  return { jsonSchema: schema, strict: strict ?? false };
}
