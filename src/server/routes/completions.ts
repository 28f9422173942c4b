/** `POST /v1/completions`. */
import type { FastifyInstance } from 'fastify';
import { wholeAnswers } from '../openai/answer.ts';
import { begun } from '../openai/answers.ts';
import { partOptionsOf, requestOf } from '../openai/common-fields.ts';
import { CompletionParts, textCompletion } from '../openai/completion-answer.ts';
import { COMPLETION_REQUEST, maxTokensOf, promptsOf } from '../openai/completion-request.ts';
import { headOf } from '../openai/head.ts';
import { streamed } from '../openai/streamed.ts';
import { refuseUnsupported } from '../openai/unsupported.ts';
import { findModel } from '../served-pairs.ts';
import type { Serving } from '../serving.ts';
import { parsedBody } from './parsed-body.ts';
import { sendStream } from './send-stream.ts';
import { signalOf } from './signal-of.ts';

export function completionRoute(server: FastifyInstance, { pairs, metrics }: Serving): void {
  server.post('/v1/completions', async (request, reply) => {
    refuseUnsupported(request.body);
    const asked = parsedBody(COMPLETION_REQUEST, request.body);
    const { pair, strategy } = findModel(asked.pilotfish?.strategy ?? asked.model, pairs);
    const logprobs = typeof asked.logprobs === 'number';
    const common = { ...requestOf(asked), strategy, logprobs, maxTokens: maxTokensOf(asked) };
    const signal = signalOf(reply);
    const requests = promptsOf(asked).map((prompt) => ({ ...common, ...prompt, signal }));
    const options = partOptionsOf(asked, logprobs);
    const started = await begun(pair, requests, options.answersPerPrompt);
    const events = metrics.counted(pair, started);
    const head = headOf('cmpl', asked.model);
    if (asked.stream !== true) return textCompletion(head, await wholeAnswers(events), options);
    return sendStream(
      request,
      reply,
      streamed(events, new CompletionParts(head, options), options),
    );
  });
}
