/**
 * The contract of every session, for a local model, an engine elsewhere or a hub behind it. The cases
 * run on a model whose greedy choices are known.
 */
import assert from 'node:assert/strict';
import { required } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import {
  ids,
  isCode,
  outputCount,
  SessionBench,
  type SessionCase,
  type SessionSubject,
} from './session-bench.ts';
import { FAILURE_CASES, IN_FLIGHT_CASES } from './session-trouble-cases.ts';

const ROW_COUNT = 3;

const CASES: readonly SessionCase[] = [
  {
    name: 'gives the row after a text, and after each of its last tokens',
    async run(bench) {
      const { session, subject } = bench;
      const text = [...subject.prompt, ...(await bench.continuation(4))];
      const count = Math.min(ROW_COUNT, session.capabilities.outputRowCountMax);
      if (count === 0) return;
      const rows = await session.rows({ text, outputCount: count, purpose: 'verify' });
      assert.equal(rows.length, count);
      for (const [row, { tokenId }] of rows.entries()) {
        const before = text.slice(0, text.length - count + 1 + row);
        assert.equal(tokenId, await subject.choiceBehind(before));
      }
      assert.equal(outputCount(bench.work()), count);
    },
  },
  {
    name: 'gives rows of a text that continues otherwise than the text before',
    async run(bench) {
      const { subject } = bench;
      const [a = 0, b = 1] = subject.prompt;
      for (const tail of [[a, a], [a, b], [b], [a, b, b, a]]) {
        const text = [...subject.prompt, ...tail] as TokenId[];
        assert.equal((await bench.row(text)).tokenId, await subject.choiceBehind(text));
      }
    },
  },
  {
    name: 'writes on as its rows say, up to a number of tokens',
    async run(bench) {
      const written = await bench.written(5);
      assert.deepEqual(ids(written), await bench.continuation(5));
      assert.equal(outputCount(bench.work()), 5);
    },
  },
  {
    name: 'writes on up to the first token whose running text holds one of the texts',
    async run(bench) {
      const all = await bench.continuation(8);
      const texts = all.map((id) => bench.subject.tokenText(id));
      // A text across two tokens, where both have text.
      const at = texts.findIndex((text, index) => index > 0 && text && texts[index - 1]);
      assert.ok(at > 0, 'the subject writes text');
      const ending = `${texts[at - 1]?.at(-1)}${texts[at]?.[0]}`;
      const expected = all.findIndex((_, index) =>
        texts
          .slice(0, index + 1)
          .join('')
          .includes(ending),
      );
      const written = await bench.written(8, ['never written', ending]);
      assert.deepEqual(ids(written), all.slice(0, expected + 1));
    },
  },
  {
    name: 'writes no token after one that ends the generation',
    async run(bench) {
      const written = await bench.written(WRITTEN_COUNT_MAX);
      const end = written.findIndex(({ tokenId }) => bench.subject.isEndOfGeneration(tokenId));
      assert.equal(written.length, end < 0 ? WRITTEN_COUNT_MAX : end + 1);
    },
  },
  {
    name: 'stops writing where its reader leaves, and serves later calls',
    async run(bench) {
      const request = { text: bench.subject.prompt, until: { tokenCountMax: 8 } };
      const seen: TokenId[] = [];
      for await (const { tokenId } of bench.session.write({ ...request, purpose: 'draft' })) {
        seen.push(tokenId);
        if (seen.length === 2) break;
      }
      const work = outputCount(bench.work());
      assert.ok(work >= 2 && work < 8, `${work} tokens were metered`);
      assert.deepEqual(ids(await bench.written(3)), await bench.continuation(3));
    },
  },
  {
    name: 'gives every value that its capabilities name, in rows and in writing, and no others',
    async run(bench) {
      const { session, subject } = bench;
      const { reads } = session.capabilities;
      const wanted = { ...reads, topLogprobs: Math.min(3, reads.topLogprobs ?? 0) };
      const text = subject.prompt;
      const until = { tokenCountMax: 2 };
      const writing = {
        text,
        purpose: 'draft',
        until,
        reads: { ...wanted, textLogprob: false, tokenLogprobs: false },
      } as const;
      const scored = await bench.row(text, {
        ...{ reads: wanted, scoredText: [...text, ...text], scoredTokens: text.slice(0, 2) },
      });
      const written: RowResult[] = [];
      for await (const row of session.write(writing)) written.push(row);
      assert.equal(written.length, 2);
      for (const row of [scored, ...written]) {
        assert.equal(row.logprob !== null, reads.logprob === true);
        assert.equal(row.entropy !== null, reads.uncertainty === true);
        assert.equal(row.topLogprobs?.length ?? 0, wanted.topLogprobs);
        assert.equal(row.distribution !== null, reads.distribution === true);
        assert.equal(row.hidden !== null, reads.hidden === true);
      }
      assert.equal(scored.textLogprob !== null, reads.textLogprob === true);
      assert.equal(scored.tokenLogprobs?.length ?? 0, reads.tokenLogprobs === true ? 2 : 0);
      const { tokenId: _, ...values } = await bench.row(text);
      assert.ok(Object.values(values).every((value) => value === null));
    },
  },
  {
    name: 'draws the same token for the same seed and draw, if it shares noise',
    async run({ subject }) {
      const sampling = { ...GREEDY, temperature: 1.5 };
      const drawn = async (draw: number): Promise<readonly TokenId[]> => {
        const bench = new SessionBench(subject, sampling);
        const tokens: TokenId[] = [];
        let text = subject.prompt;
        while (tokens.length < 8) {
          const { tokenId } = await bench.row(text, { draw });
          tokens.push(tokenId);
          text = [...text, tokenId];
        }
        await bench.session[Symbol.asyncDispose]();
        if (bench.session.capabilities.sharesNoise) return tokens;
        // A model with noise of its own draws, too: not the same token for ever.
        assert.ok(new Set(tokens).size > 1, `it wrote ${tokens.join(' ')}`);
        return [];
      };
      const [first, again, other] = [await drawn(0), await drawn(0), await drawn(1)];
      assert.deepEqual(again, first);
      if (first.length > 0) assert.notDeepEqual(other, first);
    },
  },
  {
    name: 'draws at the temperature of a call, in a greedy request and in one that draws',
    async run({ subject, session: { capabilities } }) {
      const written = async (temperature: number, ofCall?: number): Promise<readonly TokenId[]> => {
        const bench = new SessionBench(subject, { ...GREEDY, temperature });
        const until = { tokenCountMax: 12 };
        const request = { text: subject.prompt, until, purpose: 'draft' as const };
        const rows: RowResult[] = [];
        const call = { ...request, draw: 1, temperature: ofCall };
        for await (const row of bench.session.write(call)) rows.push(row);
        const [first] = ids(rows);
        // Rows of a given text are drawn at it, too.
        if (ofCall === 0) assert.equal((await bench.row(subject.prompt, call)).tokenId, first);
        await bench.session[Symbol.asyncDispose]();
        return ids(rows);
      };
      const greedy = await written(0);
      assert.deepEqual(await written(1.5, 0), greedy);
      const drawn = await written(0, 1.5);
      assert.notDeepEqual(drawn, greedy);
      if (capabilities.sharesNoise) assert.deepEqual(drawn, await written(1.5));
    },
  },
  {
    name: 'meters every use once, under the id of its model, and the bytes of a link alone',
    async run(bench) {
      const { session, subject } = bench;
      await bench.row(subject.prompt, { purpose: 'route' });
      const branch = session.fork();
      await bench.row([...subject.prompt, ...subject.prompt], { purpose: 'reward' }, branch);
      await branch[Symbol.asyncDispose]();
      const work = bench.work();
      for (const { model, bytesUp, bytesDown, outputRowCount } of work) {
        assert.equal(model, session.modelId);
        assert.equal(bytesUp > 0, subject.isRemote);
        // What ends a call is not answered.
        assert.equal(bytesDown > 0, subject.isRemote && outputRowCount > 0);
      }
      for (const one of ['route', 'reward']) {
        assert.equal(work.filter(({ purpose }) => purpose === one).length, 1);
      }
      assert.deepEqual(bench.work(), []);
    },
  },
  {
    name: 'forks into branches that read and write, and end independently',
    async run(bench) {
      const { session, subject } = bench;
      await bench.row(subject.prompt);
      const [a = 0, b = 1] = subject.prompt;
      const branches = [session.fork(), session.fork()];
      const texts = [a, b].map((token) => [...subject.prompt, token] as TokenId[]);
      const rows = await Promise.all(
        branches.map((branch, index) => bench.row(texts[index] ?? [], {}, branch)),
      );
      for (const [index, row] of rows.entries()) {
        assert.equal(row.tokenId, await subject.choiceBehind(texts[index] ?? []));
      }
      await branches[0]?.[Symbol.asyncDispose]();
      const text = [...required(texts[1], 'two texts')];
      const until = { tokenCountMax: 2 };
      const writing = branches[1]?.write({ text, until, purpose: 'draft' }) ?? [];
      for await (const row of writing) {
        assert.equal(row.tokenId, await subject.choiceBehind(text));
        text.push(row.tokenId);
      }
      assert.equal(text.length, subject.prompt.length + 3);
      await branches[1]?.[Symbol.asyncDispose]();
      assert.deepEqual(ids(await bench.written(2)), await bench.continuation(2));
    },
  },
  {
    name: 'is among the sessions of its request while it is open, if its model runs elsewhere',
    async run({ session, subject, remoteSessions }) {
      const branch = session.fork();
      assert.equal(remoteSessions.size, subject.isRemote ? 2 : 0);
      await branch[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      assert.equal(remoteSessions.size, 0);
    },
  },
  {
    name: 'tells the length of a text that its model has still to read',
    async run(bench) {
      const { session, subject } = bench;
      const text = subject.prompt;
      assert.equal(session.unreadLength(text), text.length);
      await bench.row(text);
      const left = session.unreadLength([...text, ...text]);
      assert.ok(left >= text.length && left <= 2 * text.length);
    },
  },
  {
    name: 'does nothing more after it was disposed of, once or several times',
    async run(bench) {
      const { session, subject } = bench;
      await bench.row(subject.prompt);
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      await assert.rejects(bench.row(subject.prompt), isCode('disposed', 'aborted'));
    },
  },
  {
    name: 'has metered a stream that its reader has left standing, once it is disposed of',
    async run(bench) {
      const { session, subject } = bench;
      const until = { tokenCountMax: 8 };
      const stream = session.write({ text: subject.prompt, until, purpose: 'draft' });
      await stream.next();
      await stream.next();
      await session[Symbol.asyncDispose]();
      const work = outputCount(bench.work());
      assert.ok(work >= 2 && work < 8, `${work} tokens were metered`);
    },
  },
  {
    name: 'does nothing for an ended request',
    async run(bench) {
      bench.request.abort();
      await assert.rejects(bench.row(bench.subject.prompt), isCode('aborted'));
    },
  },
];

/** More tokens than a subject with an end writes. */
const WRITTEN_COUNT_MAX = 45;

/** The cases that a subject supports, each followed by a check that it left nothing open. */
export function sessionContract(
  subject: Pick<SessionSubject, 'hold' | 'failNext'>,
): readonly SessionCase[] {
  const cases = [
    ...CASES,
    ...(subject.hold === null ? [] : IN_FLIGHT_CASES),
    ...(subject.failNext === null ? [] : FAILURE_CASES),
  ];
  return cases.map(({ name, run }) => ({
    name,
    async run(bench) {
      await run(bench);
      await bench.session[Symbol.asyncDispose]();
      await bench.subject.checkIdle();
    },
  }));
}
