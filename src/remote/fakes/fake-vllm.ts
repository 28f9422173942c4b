/**
 * A server that answers as vLLM does, from a table of probabilities, for tests without a network beyond
 * this machine. Its shapes are those of the recorded answers in test/fixtures/vllm.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { noiseKey, noiseUniform } from '../../core/noise.ts';
import { type TokenId, tokenIds } from '../../core/token-id.ts';
import type { Vocabulary } from '../../model/roles.ts';

export interface FakeVllmOptions {
  readonly vocabulary: Vocabulary;
  /** Probabilities of the next token, [vocabulary size]. */
  readonly next: (prefix: readonly TokenId[]) => readonly number[];
  readonly name?: string;
  readonly contextLength?: number;
  readonly topCountMax?: number;
  /** The only name that its chat takes for the most tokens of an answer; default: any. */
  readonly lengthName?: 'max_completion_tokens';
  /** Whether its chat takes no temperature but 1. */
  readonly fixesTemperature?: boolean;
  /** The most tokens of an answer of its chat; a larger number is refused. */
  readonly lengthMax?: number;
  /** The tokens behind which its chat ends any answer by itself. */
  readonly lengthCut?: number;
  /** The key that calls must have. */
  readonly key?: string;
  /** Runs before a call is answered: it may wait, or answer in the server's place. */
  readonly onCall?: (call: FakeCall) => Promise<void> | void;
  /** Runs before every token of a stream but the first. */
  readonly onToken?: (call: FakeCall) => Promise<void> | void;
}

export interface FakeCall {
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
  readonly response: ServerResponse;
}

/** What a server has counted. */
export interface FakeCounts {
  callCount: number;
  readCount: number;
  writtenCount: number;
  /** Streams that their reader left before the end. */
  abortedCount: number;
}

const COMPLETION = z.object({
  model: z.string(),
  prompt: z.union([z.array(z.number()), z.array(z.array(z.number()))]),
  max_tokens: z.number(),
  temperature: z.number(),
  top_k: z.number(),
  top_p: z.number().default(1),
  min_p: z.number().default(0),
  repetition_penalty: z.number().default(1),
  logit_bias: z.record(z.string(), z.number()).default({}),
  allowed_token_ids: z.array(z.number()).nonempty().optional(),
  seed: z.number().optional(),
  logprobs: z.number().optional(),
  stream: z.boolean().optional(),
  stop: z.array(z.string()).max(4).optional(),
});

type Completion = z.infer<typeof COMPLETION>;

const CHAT = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  temperature: z.number().optional(),
  max_tokens: z.number().optional(),
  max_completion_tokens: z.number().optional(),
  seed: z.number().optional(),
  continue_final_message: z.boolean().optional(),
});

export class FakeVllm implements AsyncDisposable {
  readonly counts: FakeCounts = { callCount: 0, readCount: 0, writtenCount: 0, abortedCount: 0 };
  readonly #options: Required<Pick<FakeVllmOptions, 'name' | 'contextLength' | 'topCountMax'>> &
    FakeVllmOptions;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  #unseededCount = 0;

  constructor(options: FakeVllmOptions) {
    this.#options = { name: 'fake', contextLength: 512, topCountMax: 20, ...options };
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const { authorization } = request.headers;
    const body: unknown = text === '' ? null : JSON.parse(text);
    const call = { path: request.url ?? '', body, authorization, response };
    await this.#options.onCall?.(call);
    if (response.headersSent || response.destroyed) return;
    const { key, name, contextLength, vocabulary } = this.#options;
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) {
      return json(response, 401, { error: 'Unauthorized' });
    }
    if (call.path === '/version') return json(response, 200, { version: '0.32.0' });
    if (call.path === '/v1/models') {
      const model = { id: name, object: 'model', owned_by: 'vllm', max_model_len: contextLength };
      return json(response, 200, { object: 'list', data: [model] });
    }
    if (call.path === '/tokenize') {
      const { prompt } = z.object({ prompt: z.string() }).parse(call.body);
      const tokens = vocabulary.tokenize(prompt);
      return json(response, 200, { count: tokens.length, max_model_len: contextLength, tokens });
    }
    if (call.path === '/v1/chat/completions') return await this.#chat(call, CHAT.parse(call.body));
    if (call.path !== '/v1/completions') return json(response, 404, { detail: 'Not Found' });
    return await this.#complete(call, COMPLETION.parse(call.body));
  }

  async #complete(call: FakeCall, asked: Completion): Promise<void> {
    const { response } = call;
    const refusal = this.#refusal(asked);
    if (refusal !== null) return json(response, refusal.code, { error: refusal });
    const prompts = (
      Array.isArray(asked.prompt[0]) ? asked.prompt : [asked.prompt]
    ) as readonly number[][];
    const readCount = prompts.reduce((sum, { length }) => sum + length, 0);
    this.counts.callCount += 1;
    this.counts.readCount += readCount;
    if (asked.stream === true) return await this.#stream(call, asked, prompts[0] ?? []);
    const choices = prompts.map((prompt, index) => {
      const id = this.#draw(prompt, asked, 0);
      return this.#choice({ ids: [id], prefix: prompt, index }, asked, this.#reason(id, 'length'));
    });
    this.counts.writtenCount += choices.length;
    const usage = usageOf(readCount, choices.length);
    return json(response, 200, { id: 'cmpl-0', object: 'text_completion', choices, usage });
  }

  /** The messages' texts, one after the other, are what the model reads. */
  async #chat(call: FakeCall, asked: z.infer<typeof CHAT>): Promise<void> {
    const { response } = call;
    const { name, lengthName, vocabulary } = this.#options;
    const { model, messages, max_tokens } = asked;
    if (model !== name) {
      const error = { message: `The model \`${model}\` does not exist.`, code: 404 };
      return json(response, 404, { error });
    }
    if (lengthName !== undefined && max_tokens !== undefined) {
      const message = `Unsupported parameter: 'max_tokens'. Use '${lengthName}' instead.`;
      return json(response, 400, { error: { message, code: 'unsupported_parameter' } });
    }
    const refusal = this.#chatRefusal(asked);
    if (refusal !== null) return json(response, 400, { error: { message: refusal, code: 400 } });
    const begins = messages.at(-1)?.role === 'assistant' && asked.continue_final_message !== true;
    const read = begins ? messages.slice(0, -1) : messages;
    const prompt = tokensOrNone(vocabulary, read.map(({ content }) => content).join(''));
    const limit = Math.min(lengthOf(asked), this.#options.lengthCut ?? Number.POSITIVE_INFINITY);
    // A model that takes none has the fixed temperature; in tests it is greedy.
    const temperature = this.#options.fixesTemperature === true ? 0 : (asked.temperature ?? 0);
    const plain = { top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1, logit_bias: {} };
    const own = { temperature, prompt: [...prompt], max_tokens: limit };
    const completion = { ...asked, ...plain, ...own };
    this.counts.callCount += 1;
    this.counts.readCount += prompt.length;
    await this.#stream(call, completion, prompt, (ids, reason) => ({
      index: 0,
      delta: { content: Buffer.concat(ids.map((id) => vocabulary.tokenBytes(id))).toString() },
      finish_reason: reason,
    }));
  }

  /** @param chat the choice of a part in another format */
  async #stream(
    call: FakeCall,
    asked: Completion,
    prompt: readonly number[],
    chat?: (ids: readonly TokenId[], reason: string | null) => object,
  ): Promise<void> {
    const { response } = call;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    const send = (data: object): boolean => response.write(`data: ${JSON.stringify(data)}\n\n`);
    if (chat !== undefined) {
      // As all servers: the role comes before the text.
      send({
        choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      });
    }
    const text = [...prompt];
    let written = 0;
    for (let reason: string | null = null; reason === null; written += 1) {
      if (written > 0) await this.#options.onToken?.(call);
      if (response.destroyed || response.writableEnded) {
        this.counts.abortedCount += 1;
        return;
      }
      const id = this.#draw(text, asked, written);
      text.push(id);
      const ends = this.#reason(id, written + 1 === asked.max_tokens ? 'length' : null);
      reason = this.#stops(text.slice(prompt.length), asked) ? 'stop' : ends;
      const part = { ids: [id], prefix: text.slice(0, -1), index: 0 };
      const usage = usageOf(prompt.length, written + 1);
      if (chat === undefined) send({ choices: [this.#choice(part, asked, reason)], usage });
      else send({ choices: [chat(tokenIds([id]), reason)] });
      this.counts.writtenCount += 1;
      // As a real engine: others get their turn after every token.
      await new Promise((done) => setImmediate(done));
    }
    send({ choices: [], usage: usageOf(prompt.length, written) });
    response.end('data: [DONE]\n\n');
  }

  /** In OpenAI's words. */
  #chatRefusal(asked: z.infer<typeof CHAT>): string | null {
    const { fixesTemperature = false, lengthMax = Number.POSITIVE_INFINITY } = this.#options;
    if (fixesTemperature && (asked.temperature ?? 1) !== 1) {
      return `Unsupported value: 'temperature' does not support ${asked.temperature} with this model.`;
    }
    const length = lengthOf(asked);
    return length > lengthMax ? `max_tokens is too large: ${length}.` : null;
  }

  #refusal({ model, logprobs = 0 }: Completion): { message: string; code: number } | null {
    const { name, topCountMax } = this.#options;
    if (model !== name) return { message: `The model \`${model}\` does not exist.`, code: 404 };
    if (logprobs <= topCountMax) return null;
    const message = `Requested sample logprobs of ${logprobs}, more than ${topCountMax} allowed`;
    return { message, code: 400 };
  }

  #reason(id: number, otherwise: string | null): string | null {
    return this.#options.vocabulary.isEndOfGeneration(id as TokenId) ? 'stop' : otherwise;
  }

  #stops(written: readonly number[], { stop = [] }: Completion): boolean {
    const bytes = tokenIds(written).map((id) => this.#options.vocabulary.tokenBytes(id));
    const text = Buffer.concat(bytes).toString('utf8');
    return stop.some((end) => text.includes(end));
  }

  #draw(prefix: readonly number[], asked: Completion, index: number): number {
    const logits = adjusted(this.#options.next(tokenIds(prefix)).map(Math.log), prefix, asked);
    const { temperature, seed } = asked;
    if (temperature === 0) return logits.indexOf(Math.max(...logits));
    const row = cut(softmax(logits.map((logit) => logit / temperature)), asked);
    this.#unseededCount += seed === undefined ? 1 : 0;
    const key = noiseKey(seed ?? 1_000_000 + this.#unseededCount, index, 'sample');
    let left = noiseUniform(key);
    const drawn = row.findIndex((probability) => {
      left -= probability;
      return left <= 0;
    });
    return drawn < 0 ? row.lastIndexOf(Math.max(...row)) : drawn;
  }

  #choice(
    { ids, prefix, index }: { ids: readonly number[]; prefix: readonly number[]; index: number },
    { logprobs }: Completion,
    reason: string | null,
  ): object {
    const row = this.#options.next(tokenIds(prefix)).map(Math.log);
    const order = row.map((_, id) => id).sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0));
    const top = [...new Set([...ids, ...order.slice(0, logprobs ?? 0)])];
    return {
      ...{ index, text: '', finish_reason: reason, stop_reason: null, token_ids: ids },
      logprobs:
        logprobs === undefined
          ? null
          : {
              tokens: ids.map((id) => `token_id:${id}`),
              token_logprobs: ids.map((id) => row[id]),
              top_logprobs: [Object.fromEntries(top.map((id) => [`token_id:${id}`, row[id]]))],
            },
    };
  }
}

/** In vLLM's order: the allowed tokens, biases, then the penalty of tokens of the whole text. */
function adjusted(
  logits: readonly number[],
  text: readonly number[],
  { allowed_token_ids: allowed, logit_bias: bias, repetition_penalty: penalty }: Completion,
): readonly number[] {
  return logits.map((logit, id) => {
    if (allowed !== undefined && !allowed.includes(id)) return Number.NEGATIVE_INFINITY;
    const biased = logit + (bias[id] ?? 0);
    if (!text.includes(id)) return biased;
    return biased > 0 ? biased / penalty : biased * penalty;
  });
}

function softmax(logits: readonly number[]): readonly number[] {
  const weights = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** In vLLM's order, too: min-p, top-k, top-p. */
function cut(row: readonly number[], { top_k, top_p, min_p }: Completion): readonly number[] {
  const best = Math.max(...row);
  const order = row.map((_, id) => id).sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0));
  const likely = order.filter((id) => (row[id] ?? 0) >= min_p * best);
  const kept = new Set<number>();
  let mass = 0;
  const most = likely.slice(0, top_k > 0 ? top_k : likely.length);
  const whole = most.reduce((sum, id) => sum + (row[id] ?? 0), 0);
  for (const id of most) {
    if (mass >= top_p * whole) break;
    kept.add(id);
    mass += row[id] ?? 0;
  }
  return row.map((probability, id) => (kept.has(id) ? probability / mass : 0));
}

function lengthOf({ max_tokens, max_completion_tokens }: z.infer<typeof CHAT>): number {
  return max_tokens ?? max_completion_tokens ?? 1;
}

/** A vocabulary of a few letters cannot write every text. */
function tokensOrNone(vocabulary: Vocabulary, text: string): readonly TokenId[] {
  try {
    return vocabulary.tokenizeText([text]);
  } catch {
    return [];
  }
}

function usageOf(read: number, written: number): object {
  return { prompt_tokens: read, completion_tokens: written, total_tokens: read + written };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
