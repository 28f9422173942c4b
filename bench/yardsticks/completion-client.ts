/**
 * Streams completions from a llama-server. It does as little work as possible, because the client's
 * processor time is taken from the server: it counts events and parses only the last.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { z } from 'zod';
import { invariant } from '../../src/core/invariant.ts';
import type { StreamTimes } from '../workload/stream-times.ts';

const LAST = z.object({ tokens_predicted: z.int(), tokens_evaluated: z.int() });
const EVENT = 'data: ';

export class CompletionClient {
  readonly #url: string;
  /** Keeps no connection, because a server that was stopped in between closes it. */
  readonly #agent = new Agent({ keepAlive: false });

  constructor(address: string) {
    this.#url = `${address}/completion`;
  }

  /**
   * A greedy completion of exactly `tokenCount` tokens.
   * @returns milliseconds from `began` at which they arrived
   */
  async complete(
    prompt: readonly number[],
    tokenCount: number,
    began: number,
  ): Promise<StreamTimes> {
    const response = await this.#post({
      prompt,
      n_predict: tokenCount,
      temperature: 0,
      ignore_eos: true,
      cache_prompt: false,
      stream: true,
    });
    const times: number[] = [];
    let rest = '';
    let last = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const now = performance.now() - began;
      const lines = `${rest}${String(chunk)}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!line.startsWith(EVENT)) continue;
        if (line.includes('"stop":true')) last = line.slice(EVENT.length);
        else times.push(now);
      }
    }
    checkLast(last, prompt.length, tokenCount);
    // An unfinished character is sent with the token that completes it.
    invariant(times.length > 0, 'the server streamed no token');
    return times.length > tokenCount ? times.slice(0, tokenCount) : times;
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(body: object): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(
        this.#url,
        { method: 'POST', agent: this.#agent, headers },
        (response) => {
          if (response.statusCode === 200) return resolve(response);
          response.resume();
          reject(new TypeError(`the server answered ${response.statusCode}`));
        },
      );
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
  }
}

/** Checks that both sides have read and written the same numbers of tokens. */
function checkLast(last: string, promptTokenCount: number, tokenCount: number): void {
  const parsed = LAST.parse(JSON.parse(last));
  invariant(
    parsed.tokens_predicted === tokenCount,
    `the server wrote ${parsed.tokens_predicted} of ${tokenCount} tokens`,
  );
  invariant(
    parsed.tokens_evaluated === promptTokenCount,
    `the server read ${parsed.tokens_evaluated} prompt tokens, not ${promptTokenCount}`,
  );
}
