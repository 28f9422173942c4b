/** Token embeddings of the pocket models: with hidden states they give the distribution. */
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { GREEDY } from '../../src/core/sampling-params.ts';
import { tokenId } from '../../src/core/token-id.ts';
import { loadPocket } from './pocket-pair.ts';

describe('the embeddings of a model whose output head is the same table', () => {
  it('turn hidden states into its distribution', async () => {
    await using model = await loadPocket('pocket-small');
    const { size } = model.vocabulary;
    const table = Array.from({ length: size }, (_, id) => model.tokenEmbedding(tokenId(id)));
    await using sequence = model.openSequence();
    const { rows } = await sequence.forward({
      tokens: model.vocabulary.tokenize('Ana has 12 apples. Ben gives Ana 5 apples.'),
      outputFrom: 0,
      program: {
        ...{ vocabularySize: size, sampling: GREEDY, seed: 0, purpose: 'sample' },
        ...{ topLogprobs: 8, hidden: true },
      },
    });
    for (const { tokenId: choice, hidden, topLogprobs } of rows) {
      const state = required(hidden, 'it was asked for');
      const logits = table.map((row) =>
        row.reduce((sum, value, at) => sum + value * (state[at] ?? Number.NaN), 0),
      );
      const order = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
      const mass = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      expect(order[0]).toBe(choice);
      for (const [rank, logprob] of required(topLogprobs, 'they were asked for').entries()) {
        expect((logits[order[rank] ?? 0] ?? 0) - mass).toBeCloseTo(logprob, 1);
      }
    }
    expect(new Set(rows.map(({ tokenId: choice }) => choice)).size).toBeGreaterThan(5);
  });
});
