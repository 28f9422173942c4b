/** SGLang's format, by its documentation: it has no build for a processor that a test could run. */
import { describe, expect, it } from 'vitest';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenIds } from '../core/token-id.ts';
import { sglang } from './sglang.ts';

function meta(ids: readonly number[], length: number, finish: string | null = null): unknown {
  return {
    text: 'as far as it is known',
    meta_info: {
      id: 'a',
      ...{ prompt_tokens: 12, completion_tokens: length, cached_tokens: 8 },
      finish_reason: finish === null ? null : { type: finish },
      output_token_logprobs: ids.map((id) => [-0.5, id, null]),
      output_top_logprobs: ids.map((id) => [
        [-0.5, id, null],
        [-1.5, id + 1, null],
      ]),
      output_token_logprobs_length: length,
    },
  };
}

describe('the answers of SGLang', () => {
  it('hold a row for every text', () => {
    const { tokens, usage } = sglang.readRows([meta([5], 1, 'length'), meta([6], 1, 'stop')], 2);
    expect(tokens).toEqual([
      {
        tokenId: 5,
        logprob: -0.5,
        top: new Map([
          [5, -0.5],
          [6, -1.5],
        ]),
      },
      {
        tokenId: 6,
        logprob: -0.5,
        top: new Map([
          [6, -0.5],
          [7, -1.5],
        ]),
      },
    ]);
    expect(usage).toEqual({ readCount: 24, cachedCount: 16, writtenCount: 2 });
    expect(sglang.readRows([meta([], 1, 'stop')], 1).tokens).toEqual([null]);
    expect(() => sglang.readRows([meta([], 1, 'length')], 1)).toThrow();
    expect(() => sglang.readRows([meta([5], 1)], 2)).toThrow();
  });

  it('hold the tokens of a stream, and how many there are', () => {
    expect(sglang.readPart(meta([5, 6], 2))).toMatchObject({
      end: null,
      writtenCount: 2,
      usage: null,
    });
    const last = sglang.readPart(meta([7], 3, 'length'));
    expect(last).toMatchObject({ end: 'limit', writtenCount: 3, usage: { writtenCount: 3 } });
    expect(last.tokens.map(({ tokenId }) => tokenId)).toEqual([7]);
  });

  it('are asked for with every parameter', () => {
    const sampling = { ...GREEDY, temperature: 0.5, minP: 0.25, topP: 0.9 };
    const asking = { model: 'big', sampling, seed: 7, topCount: null };
    const until = { tokenCountMax: 5, texts: ['.'] };
    expect(sglang.streamCall(tokenIds([1, 2]), until, asking).body).toEqual({
      input_ids: [1, 2],
      sampling_params: {
        ...{ temperature: 0.5, top_p: 0.9, top_k: -1, min_p: 0.0625, max_new_tokens: 5 },
        ...{ frequency_penalty: 0, presence_penalty: 0, repetition_penalty: 1, sampling_seed: 7 },
      },
      ...{ return_logprob: true, logprob_start_len: -1, top_logprobs_num: 0 },
      ...{ return_text_in_logprobs: false, stream: true },
    });
  });
});
