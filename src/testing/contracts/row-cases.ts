/** The contract of the output rows of every language model. */
import assert from 'node:assert/strict';
import { InvariantError, required } from '../../core/invariant.ts';
import { TOP_LOGPROBS_MAX } from '../../core/row-reads.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenId } from '../../core/token-id.ts';
import { type ContractCase, feed, last } from './contract-case.ts';

/** Models may give features of rows rounded to half precision. */
const HALF_EPSILON = 2 ** -10;

export const ROW_CASES: readonly ContractCase[] = [
  {
    name: 'returns hidden states when asked, and results that own their memory',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      await feed(model, sequence, tokens.slice(0, 4));
      const rows = await feed(model, sequence, tokens.slice(4, 6), {
        outputFrom: 0,
        program: { hidden: true },
      });
      const hidden = rows.map((row) => required(row.hidden, 'hidden states were asked for'));
      const copies = hidden.map((vector) => vector.slice());
      for (const vector of hidden) assert.equal(vector.length, model.facts.hiddenSize);
      assert.notDeepEqual(hidden[0], hidden[1]);
      const next = await feed(model, sequence, tokens.slice(6, 9), { outputFrom: 0 });
      assert.deepEqual(hidden, copies);
      assert.ok(next.every((row) => row.hidden === null));
    },
  },
  {
    name: 'reads hidden states off the row itself, in any batch',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      await feed(model, sequence, tokens.slice(0, 4));
      const [, second] = await feed(model, sequence, tokens.slice(4, 6), {
        outputFrom: 0,
        program: { hidden: true },
      });
      await sequence.truncate(5);
      const alone = last(
        await feed(model, sequence, tokens.slice(5, 6), { program: { hidden: true } }),
      );
      const a = required(second?.hidden, 'hidden of the second row');
      const b = required(alone.hidden, 'hidden of the row alone');
      assert.ok(cosine(a, b) > 0.98, `the vectors have a cosine of ${cosine(a, b)}`);
    },
  },
  {
    name: 'masks ids beyond the given vocabulary size',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      const options = { outputFrom: 0, program: { vocabularySize: 2, distribution: true } };
      for (const row of await feed(model, sequence, tokens.slice(0, 6), options)) {
        assert.ok(row.tokenId < 2);
        assert.equal(row.distribution?.length, 2);
      }
    },
  },
  {
    name: 'gives the largest log-probabilities, of which the best is that of a greedy choice',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      const program = { topLogprobs: 3 };
      const rows = await feed(model, sequence, tokens.slice(0, 6), { outputFrom: 0, program });
      for (const { topLogprobs, logprob } of rows) {
        const top = required(topLogprobs, 'they were asked for');
        assert.equal(top.length, 3);
        assertNear(top[0], required(logprob, 'it was asked for'), HALF_EPSILON);
        assert.deepEqual(
          [...top],
          [...top].sort((a, b) => b - a),
        );
      }
      await sequence.truncate(0);
      const plain = await feed(model, sequence, tokens.slice(0, 6), { outputFrom: 0 });
      assert.ok(plain.every(({ topLogprobs }) => topLogprobs === null));
    },
  },
  {
    name: 'refuses a negative, fractional or too large number of log-probabilities',
    async run(model, { tokens }) {
      for (const topLogprobs of [-1, 1.5, TOP_LOGPROBS_MAX + 1]) {
        for (const hidden of [false, true]) {
          await using sequence = model.openSequence();
          await feed(model, sequence, tokens.slice(0, 2));
          const options = { program: { hidden, topLogprobs } };
          await assert.rejects(feed(model, sequence, tokens.slice(2, 3), options), InvariantError);
        }
      }
    },
  },
  {
    name: 'gives the log-probability of given text, also where the text is not its own choice',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      const read = tokens.slice(0, 6);
      const plain = await feed(model, sequence, read, { outputFrom: 0 });
      await sequence.truncate(0);
      // First the model's own choices, which it was not fed, then the tokens that follow.
      const choices = [read[0] ?? tokenId(0), ...plain.map(({ tokenId: choice }) => choice)];
      const told = { textLogprob: true, text: choices };
      const own = await feed(model, sequence, read, { outputFrom: 0, program: told });
      for (const { textLogprob, logprob } of own) {
        assertNear(textLogprob, required(logprob, 'it was asked for'), 1e-6);
      }
      await sequence.truncate(0);
      const forced = { textLogprob: true, text: tokens, distribution: true };
      const rows = await feed(model, sequence, read, {
        outputFrom: 0,
        program: { ...forced, sampling: { ...GREEDY, temperature: 1 } },
      });
      for (const [index, { textLogprob, distribution }] of rows.entries()) {
        const token = tokens[index + 1] ?? tokenId(0);
        assertNear(textLogprob, Math.log(distribution?.[token] ?? Number.NaN), 1e-4);
      }
    },
  },
  {
    name: 'gives the log-probabilities of chosen tokens, in their order',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      const scoredTokens = [...new Set(tokens)].slice(0, 3).reverse();
      const program = { tokenLogprobs: true, scoredTokens, distribution: true };
      const sampling = { ...GREEDY, temperature: 1 };
      const [row] = await feed(model, sequence, tokens.slice(0, 3), {
        ...{ outputFrom: 2, program: { ...program, sampling } },
      });
      assert.equal(row?.tokenLogprobs?.length, scoredTokens.length);
      for (const [at, id] of scoredTokens.entries()) {
        const expected = Math.log(row?.distribution?.[id] ?? Number.NaN);
        assertNear(row?.tokenLogprobs?.[at], expected, 1e-4);
      }
    },
  },
];

function assertNear(actual: number | null | undefined, expected: number, within: number): void {
  const gap = Math.abs((actual ?? Number.NaN) - expected);
  const message = `${actual} is not ${expected} or near it`;
  assert.ok(gap <= within * Math.max(1, Math.abs(expected)), message);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
