/** The language model contract on real models. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { GREEDY } from '../../src/core/sampling-params.ts';
import { tokenId } from '../../src/core/token-id.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { LANGUAGE_MODEL_CONTRACT } from '../../src/testing/contracts/language-model-contract.ts';
import { IS_SLICE, LARGE, LOGIT_NOISE, realModel, SMALL, TINY } from './real-models.ts';

const TEXT = 'The quick brown fox jumps over the lazy dog, and then it rests under an old tree.';
/** Forwards of other shapes may decide two tokens closer than this either way. */
const TIE_MARGIN = 0.3;

describe.each(IS_SLICE ? [TINY] : [TINY, SMALL, LARGE])(
  '%s keeps the language model contract',
  (name) => {
    let model: LlamaCppModel | null = null;
    beforeAll(async () => {
      // A short context, because one case fills it.
      model = await loadModel(await realModel(name), {
        name,
        contextLength: 256,
        rowCountMax: 128,
      });
    });
    afterAll(async () => {
      await model?.[Symbol.asyncDispose]();
    });
    for (const { name: title, run } of LANGUAGE_MODEL_CONTRACT) {
      it(title, async () => {
        const opened = required(model, 'the model was opened');
        const tokens = opened.vocabulary.tokenize(TEXT);
        await run(opened, { tokens, tieMargin: TIE_MARGIN });
      });
    }
  },
);

/**
 * Measures how well input embeddings, in place of the output head, reproduce the distribution. In
 * SmolLM2 both are the same table, in the other models two roundings of it.
 */
describe.each(IS_SLICE ? [TINY] : [TINY, SMALL, LARGE])('%s', (name) => {
  it('has token embeddings that reproduce the distribution from hidden states', async () => {
    await using model = await loadModel(await realModel(name), { name, contextLength: 256 });
    const { size } = model.vocabulary;
    const tokens = model.vocabulary.tokenize(TEXT);
    await using sequence = model.openSequence();
    const { rows } = await sequence.forward({
      ...{ tokens, outputFrom: tokens.length - 3 },
      program: {
        ...{
          vocabularySize: size,
          sampling: GREEDY,
          seed: 0,
          purpose: 'sample',
          logprob: true,
          hidden: true,
        },
      },
    });
    const states = rows.map(({ hidden }) => required(hidden, 'it was asked for'));
    const logits = states.map(() => new Float64Array(size));
    for (let id = 0; id < size; id += 1) {
      const embedding = model.tokenEmbedding(tokenId(id));
      for (const [row, state] of states.entries()) {
        let sum = 0;
        for (let at = 0; at < state.length; at += 1) sum += (state[at] ?? 0) * (embedding[at] ?? 0);
        required(logits[row], 'a list for every row')[id] = sum;
      }
    }
    for (const [row, { tokenId: choice, logprob }] of rows.entries()) {
      const list = required(logits[row], 'a list for every row');
      const mass = Math.log(list.reduce((sum, logit) => sum + Math.exp(logit), 0));
      const found = (list[choice] ?? Number.NaN) - mass;
      expect(Math.abs(found - required(logprob, 'it was asked for'))).toBeLessThan(LOGIT_NOISE);
    }
  });
});
