/**
 * The contract of every `LanguageModel`, as named cases over plain assertions, which run under any test
 * runner. Each case opens sequences of the model and must leave none open.
 */
import assert from 'node:assert/strict';
import { PilotfishError } from '../../core/errors.ts';
import { InvariantError, required } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenId } from '../../core/token-id.ts';
import type { Sequence } from '../../model/roles.ts';
import { assertSameChoice, type ContractCase, feed, last, programFor } from './contract-case.ts';
import { ROW_CASES } from './row-cases.ts';

export type { ContractCase, ContractInput } from './contract-case.ts';

async function assertCode(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(PilotfishError.isInstance(error), `not an operating error: ${String(error)}`);
    assert.equal(error.code, code);
    return true;
  });
}

const SEQUENCE_CASES: readonly ContractCase[] = [
  {
    name: 'gives one result for every output row and none for the others',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      const part = tokens.slice(0, 4);
      assert.equal((await feed(model, sequence, part, { outputFrom: 1 })).length, 3);
      assert.equal((await feed(model, sequence, part, { outputFrom: 4 })).length, 0);
      assert.equal(sequence.length, 8);
    },
  },
  {
    name: 'gives the same rows again for forwards of the same shapes',
    async run(model, { tokens }) {
      await using one = model.openSequence();
      await using other = model.openSequence();
      await feed(model, one, tokens.slice(0, 6));
      await feed(model, other, tokens.slice(0, 6));
      const a = last(await feed(model, one, tokens.slice(6, 7)));
      const b = last(await feed(model, other, tokens.slice(6, 7)));
      assert.deepEqual({ ...a, hidden: null }, { ...b, hidden: null });
    },
  },
  {
    name: 'gives the same rows for a text in parts as for the text at once',
    async run(model, { tokens, tieMargin }) {
      await using whole = model.openSequence();
      await using parts = model.openSequence();
      const atOnce = await feed(model, whole, tokens.slice(0, 8), { outputFrom: 0 });
      for (const [index, token] of tokens.slice(0, 8).entries()) {
        const row = last(await feed(model, parts, [token]));
        assertSameChoice(row, required(atOnce[index], 'a row for every token'), tieMargin);
      }
    },
  },
  {
    name: 'forgets the tokens that were cut off, and grows again as before',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      await feed(model, sequence, tokens.slice(0, 5));
      const first = last(await feed(model, sequence, tokens.slice(5, 6)));
      await feed(model, sequence, tokens.slice(6, 10));
      await sequence.truncate(5);
      assert.equal(sequence.length, 5);
      const again = last(await feed(model, sequence, tokens.slice(5, 6)));
      assert.deepEqual(again, first);
    },
  },
  {
    name: 'forks: the copy continues alike and on its own',
    async run(model, { tokens, tieMargin }) {
      await using original = model.openSequence();
      await feed(model, original, tokens.slice(0, 6));
      await using copy = await original.fork();
      assert.equal(copy.length, 6);
      await feed(model, copy, [...tokens.slice(8, 10)].reverse());
      const after = last(await feed(model, original, tokens.slice(6, 7)));
      await copy.truncate(6);
      const copied = last(await feed(model, copy, tokens.slice(6, 7)));
      assertSameChoice(after, copied, tieMargin);
    },
  },
  {
    name: 'forks a part: the copy has only the first tokens, independently of the original',
    async run(model, { tokens, tieMargin }) {
      await using original = model.openSequence();
      const [behindFour, , , behindSeven] = await feed(model, original, tokens.slice(0, 7), {
        outputFrom: 3,
      });
      await using copy = await original.fork(3);
      assert.equal(copy.length, 3);
      await original.truncate(1);
      const copied = last(await feed(model, copy, tokens.slice(3, 4)));
      assertSameChoice(copied, required(behindFour, 'a row behind four tokens'), tieMargin);
      const longer = last(await feed(model, copy, tokens.slice(4, 7)));
      assertSameChoice(longer, required(behindSeven, 'a row behind seven'), tieMargin);
      assert.equal(original.length, 1);
      await using empty = await copy.fork(0);
      assert.equal(empty.length, 0);
      const alone = last(await feed(model, empty, tokens.slice(0, 4)));
      assertSameChoice(alone, required(behindFour, 'a row behind four tokens'), tieMargin);
      for (const wrong of [-1, 8]) await assert.rejects(copy.fork(wrong), InvariantError);
    },
  },
  {
    name: 'keeps a copy whose original is closed',
    async run(model, { tokens, tieMargin }) {
      const original = model.openSequence();
      const behind = last(await feed(model, original, tokens.slice(0, 6)));
      await using copy = await original.fork(5);
      await original[Symbol.asyncDispose]();
      await using other = model.openSequence();
      await feed(model, other, [...tokens.slice(0, 6)].reverse());
      assertSameChoice(last(await feed(model, copy, tokens.slice(5, 6))), behind, tieMargin);
    },
  },
  {
    name: 'counts the tokens in its cache, with those of copies again',
    async run(model, { tokens }) {
      const before = await model.countCachedTokens();
      const count = async (): Promise<number> => (await model.countCachedTokens()) - before;
      const original = model.openSequence();
      assert.equal(await count(), 0);
      await feed(model, original, tokens.slice(0, 6));
      assert.equal(await count(), 6);
      const copy = await original.fork(4);
      assert.equal(await count(), 10);
      await feed(model, copy, tokens.slice(4, 5));
      await original.truncate(2);
      assert.equal(await count(), 7);
      await original[Symbol.asyncDispose]();
      assert.equal(await count(), 5);
      await copy[Symbol.asyncDispose]();
      assert.equal(await count(), 0);
    },
  },
  {
    name: 'draws with noise keyed by seed and position, not by call order',
    async run(model, { tokens }) {
      const program = { sampling: { ...GREEDY, temperature: 1.5 } };
      await using one = model.openSequence();
      await using other = model.openSequence();
      const a = await feed(model, one, tokens.slice(0, 6), { outputFrom: 0, program });
      await feed(model, other, tokens.slice(0, 6), { outputFrom: 0 });
      await other.truncate(0);
      const b = await feed(model, other, tokens.slice(0, 6), { outputFrom: 0, program });
      assert.deepEqual(
        a.map((row) => row.tokenId),
        b.map((row) => row.tokenId),
      );
    },
  },
  {
    name: 'refuses rows beyond the context, and keeps its tokens',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      const { contextLength, rowCountMax } = model.facts;
      const token = required(tokens[0], 'a token');
      while (sequence.length < contextLength) {
        const count = Math.min(rowCountMax, contextLength - sequence.length);
        await feed(
          model,
          sequence,
          Array.from({ length: count }, () => token),
          {
            outputFrom: count,
          },
        );
      }
      await assertCode(feed(model, sequence, [token]), 'kv-full');
      assert.equal(sequence.length, contextLength);
    },
  },
  {
    name: 'turns wrong arguments into errors of the caller',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      const unknown = [tokenId(model.vocabulary.size)];
      const tooMany = Array.from(
        { length: model.facts.rowCountMax + 1 },
        () => tokens[0] ?? tokenId(0),
      );
      for (const wrong of [[], unknown, [tokenId(-1)], tooMany]) {
        await assert.rejects(feed(model, sequence, wrong), InvariantError);
      }
      assert.equal(sequence.length, 0);
      await feed(model, sequence, tokens.slice(0, 2));
    },
  },
  {
    name: 'disposes of a sequence that is being cut',
    async run(model, { tokens }) {
      const sequence = model.openSequence();
      await feed(model, sequence, tokens.slice(0, 5));
      await Promise.all([sequence.truncate(2), sequence[Symbol.asyncDispose]()]);
      assert.equal(model.sequenceCount, 0);
      assert.equal(await model.countCachedTokens(), 0);
    },
  },
  {
    name: 'does not start an aborted forward, and works afterwards',
    async run(model, { tokens }) {
      await using sequence = model.openSequence();
      await feed(model, sequence, tokens.slice(0, 3));
      const request = { tokens: tokens.slice(3, 5), outputFrom: 1, program: programFor(model) };
      await assertCode(sequence.forward(request, AbortSignal.abort()), 'aborted');
      assert.equal(sequence.length, 3);
      assert.equal((await sequence.forward(request)).rows.length, 1);
    },
  },
  {
    name: 'serves several sequences at once without mixing them up',
    async run(model, { tokens, tieMargin }) {
      const texts = [0, 1, 2, 3].map((start) => tokens.slice(start, start + 6));
      const alone: RowResult[] = [];
      for (const text of texts) {
        await using sequence = model.openSequence();
        alone.push(last(await feed(model, sequence, text)));
      }
      const together = await Promise.all(
        texts.map(async (text) => {
          await using sequence = model.openSequence();
          return last(await feed(model, sequence, text));
        }),
      );
      for (const [index, row] of together.entries()) {
        assertSameChoice(row, required(alone[index], 'a row alone'), tieMargin);
      }
    },
  },
  {
    name: 'counts its sequences, and no longer counts closed ones',
    async run(model, { tokens }) {
      const before = model.sequenceCount;
      const sequence = model.openSequence();
      assert.equal(model.sequenceCount, before + 1);
      await feed(model, sequence, tokens.slice(0, 3));
      await sequence[Symbol.asyncDispose]();
      await sequence[Symbol.asyncDispose]();
      assert.equal(model.sequenceCount, before);
      await assert.rejects(feed(model, sequence, tokens.slice(0, 1)), InvariantError);
      await using fresh = model.openSequence();
      assert.equal(fresh.length, 0);
      assert.equal((await feed(model, fresh, tokens.slice(0, 2))).length, 1);
    },
  },
  {
    name: 'gives copies of the input embedding of every token',
    async run(model) {
      const { size } = model.vocabulary;
      for (const id of new Set([0, 1, Math.floor(size / 2), size - 1])) {
        const embedding = model.tokenEmbedding(tokenId(id));
        assert.equal(embedding.length, model.facts.hiddenSize);
        assert.ok(embedding.every(Number.isFinite), `token ${id} has numbers`);
        const before = Float32Array.from(embedding);
        embedding.fill(Number.NaN);
        assert.deepEqual(model.tokenEmbedding(tokenId(id)), before);
      }
      const [one, other] = [0, 1].map((id) => model.tokenEmbedding(tokenId(id)));
      assert.notDeepEqual(one, other);
      assert.throws(() => model.tokenEmbedding(tokenId(-1)), InvariantError);
    },
  },
  {
    name: 'refuses one sequence too many',
    async run(model) {
      const open: Sequence[] = [];
      try {
        assert.throws(() => {
          for (let count = 0; count < SEQUENCES_TRIED_MAX; count += 1) {
            open.push(model.openSequence());
          }
        }, PilotfishError);
      } finally {
        for (const sequence of open) await sequence[Symbol.asyncDispose]();
      }
      assert.ok(open.length > 0);
    },
  },
];

const SEQUENCES_TRIED_MAX = 10_000;

/** The contract, each case followed by a check that no sequence was left open. */
export const LANGUAGE_MODEL_CONTRACT: readonly ContractCase[] = [
  ...SEQUENCE_CASES,
  ...ROW_CASES,
].map(({ name, run }) => ({
  name,
  async run(model, given) {
    const before = model.sequenceCount;
    const tokensBefore = await model.countCachedTokens();
    await run(model, given);
    assert.equal(model.sequenceCount, before, 'a sequence was left open');
    assert.equal(await model.countCachedTokens(), tokensBefore, 'tokens were left in the cache');
  },
}));
