/** `POST /tokenize` and `/detokenize`, with the fields of llama-server and of vLLM. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { CHAT_MESSAGES, chatMessages } from '../openai/chat-request.ts';
import { findModel } from '../served-pairs.ts';
import type { Serving } from '../serving.ts';
import { parsedBody } from './parsed-body.ts';

/** Far more than any context has. */
const TOKEN_COUNT_MAX = 2 ** 20;

const TEXT = z.object({
  model: z.string().nullish(),
  content: z.string().nullish(),
  prompt: z.string().nullish(),
  messages: CHAT_MESSAGES.nullish(),
});

const TOKENS = z.object({
  model: z.string().nullish(),
  tokens: z.array(z.int().min(0)).max(TOKEN_COUNT_MAX),
});

export function tokenRoutes(server: FastifyInstance, { pairs }: Serving): void {
  server.post('/tokenize', (request) => {
    const { model, content, prompt, messages } = parsedBody(TEXT, request.body);
    const { engine } = findModel(model ?? null, pairs).pair;
    const text = content ?? prompt ?? '';
    const asked = messages ? { messages: chatMessages({ messages }) } : { prompt: text };
    const tokens = engine.promptTokens(asked);
    return { tokens, count: tokens.length };
  });
  server.post('/detokenize', (request) => {
    const { model, tokens } = parsedBody(TOKENS, request.body);
    const text = findModel(model ?? null, pairs).pair.engine.textOf(tokens);
    // The first name is llama-server's, the second vLLM's.
    return { content: text, prompt: text };
  });
}
