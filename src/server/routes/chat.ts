/** `POST /v1/chat/completions`. */
import type { FastifyInstance } from 'fastify';
import { definedFields } from '../../core/defined-fields.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { wholeAnswers } from '../openai/answer.ts';
import { begun } from '../openai/answers.ts';
import { ChatParts, chatCompletion } from '../openai/chat-answer.ts';
import {
  CHAT_REQUEST,
  type ChatRequest,
  chatGrammar,
  chatMessages,
} from '../openai/chat-request.ts';
import { partOptionsOf, requestOf } from '../openai/common-fields.ts';
import { headOf } from '../openai/head.ts';
import { streamed } from '../openai/streamed.ts';
import { refuseUnsupported } from '../openai/unsupported.ts';
import { findModel } from '../served-pairs.ts';
import type { Serving } from '../serving.ts';
import { parsedBody } from './parsed-body.ts';
import { sendStream } from './send-stream.ts';
import { signalOf } from './signal-of.ts';

export function chatRoute(server: FastifyInstance, { pairs, metrics }: Serving): void {
  server.post('/v1/chat/completions', async (request, reply) => {
    refuseUnsupported(request.body);
    const asked = parsedBody(CHAT_REQUEST, request.body);
    const { pair, strategy } = findModel(asked.pilotfish?.strategy ?? asked.model, pairs);
    const logprobs = asked.logprobs ?? false;
    const generate = { ...chatOf(asked), strategy, logprobs, signal: signalOf(reply) };
    const options = partOptionsOf(asked, logprobs);
    const started = await begun(pair, [generate], options.answersPerPrompt);
    const events = metrics.counted(pair, started);
    const head = headOf('chatcmpl', asked.model);
    if (asked.stream !== true) return chatCompletion(head, await wholeAnswers(events), options);
    return sendStream(request, reply, streamed(events, new ChatParts(head, options), options));
  });
}

function chatOf(asked: ChatRequest): GenerateRequest & { readonly seed: number } {
  return {
    ...requestOf(asked),
    messages: chatMessages(asked),
    // Without a limit of its own an answer may fill the context.
    maxTokens: asked.max_completion_tokens ?? asked.max_tokens ?? Number.MAX_SAFE_INTEGER,
    ...definedFields({ grammar: chatGrammar(asked) }),
  };
}
