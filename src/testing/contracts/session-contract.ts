/**
 * The contract of every session, for a local model, an engine elsewhere or a hub behind it. The cases
 * run on a model that writes greedily and whose choices are known.
 */
import assert from 'node:assert/strict';
import { PilotfishError } from '../../core/errors.ts';
import type { WorkEvent } from '../../core/events.ts';
import type { RowResult } from '../../core/row-program.ts';
import type { TokenId } from '../../core/token-id.ts';
import { missingCapability } from '../../session/capabilities.ts';
import type { Session } from '../../session/session.ts';
import { WorkRecorder } from '../../session/work-recorder.ts';

/** A model behind the port, as the contract uses it. */
export interface SessionSubject {
  readonly name: string;
  /** At least 6 tokens after which the model writes at least 12 more. */
  readonly prompt: readonly TokenId[];
  /** The model's greedy choice after a text. */
  choiceBehind(text: readonly TokenId[]): Promise<TokenId> | TokenId;
  tokenText(id: TokenId): string;
  open(request: { readonly signal: AbortSignal; readonly recorder: WorkRecorder }): Session;
  /** Makes the next call wait until the result is called; null if calls cannot be held. */
  readonly hold: (() => () => void) | null;
  /** Makes the next call fail with this error; null if calls cannot be made to fail. */
  readonly failNext: ((error: Error) => void) | null;
  /** Checks that no session left anything open. */
  checkIdle(): Promise<void> | void;
}

export interface SessionCase {
  readonly name: string;
  run(bench: SessionBench): Promise<void>;
}

/** A session of the subject, with its meter and its request's life. */
export class SessionBench {
  readonly subject: SessionSubject;
  readonly recorder: WorkRecorder = new WorkRecorder();
  readonly request: AbortController = new AbortController();
  readonly session: Session;

  constructor(subject: SessionSubject) {
    this.subject = subject;
    this.session = subject.open({ signal: this.request.signal, recorder: this.recorder });
  }

  /** The model's greedy continuation of the prompt. */
  async continuation(count: number): Promise<readonly TokenId[]> {
    const text = [...this.subject.prompt];
    while (text.length < this.subject.prompt.length + count) {
      text.push(await this.subject.choiceBehind(text));
    }
    return text.slice(this.subject.prompt.length);
  }

  async written(tokenCountMax: number, texts: readonly string[] = []): Promise<RowResult[]> {
    const rows: RowResult[] = [];
    const until = { tokenCountMax, texts };
    const request = { text: this.subject.prompt, until, purpose: 'draft' as const };
    for await (const row of this.session.write(request)) rows.push(row);
    return rows;
  }

  work(): readonly WorkEvent[] {
    return this.recorder.drain();
  }
}

function ids(rows: readonly RowResult[]): readonly TokenId[] {
  return rows.map(({ tokenId }) => tokenId);
}

function outputCount(work: readonly WorkEvent[]): number {
  return work.reduce((sum, { outputRowCount }) => sum + outputRowCount, 0);
}

function isCode(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => PilotfishError.isInstance(error) && codes.includes(error.code);
}

const ROW_COUNT = 3;

const CASES: readonly SessionCase[] = [
  {
    name: 'gives the row after a text, and after each of its last tokens',
    async run({ session, subject, ...bench }) {
      const whole = new SessionBench(subject);
      const text = [...subject.prompt, ...(await whole.continuation(4))];
      await whole.session[Symbol.asyncDispose]();
      const count = Math.min(ROW_COUNT, session.capabilities.outputRowCountMax);
      const rows = await session.rows({ text, outputCount: count, purpose: 'verify' });
      assert.equal(rows.length, count);
      for (const [row, { tokenId }] of rows.entries()) {
        const before = text.slice(0, text.length - count + 1 + row);
        assert.equal(tokenId, await subject.choiceBehind(before));
      }
      assert.equal(outputCount(bench.recorder.drain()), count);
    },
  },
  {
    name: 'gives rows of a text that continues otherwise than the text before',
    async run({ session, subject }) {
      const [a = 0, b = 1] = subject.prompt;
      for (const tail of [[a, a], [a, b], [b], [a, b, b, a]]) {
        const text = [...subject.prompt, ...tail] as TokenId[];
        const [row] = await session.rows({ text, outputCount: 1, purpose: 'draft' });
        assert.equal(row?.tokenId, await subject.choiceBehind(text));
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
    name: 'gives every value that its capabilities name, and only requested values',
    async run({ session, subject }) {
      const { reads } = session.capabilities;
      const wanted = { ...reads, topLogprobs: Math.min(3, reads.topLogprobs ?? 0) };
      const text = subject.prompt;
      const scoredText = [...text, ...text];
      const request = { text, outputCount: 1, purpose: 'draft' as const };
      const [row] = await session.rows({ ...request, reads: wanted, scoredText });
      assert.ok(row !== undefined);
      assert.equal(row.logprob !== null, reads.logprob === true);
      assert.equal(row.entropy !== null, reads.uncertainty === true);
      assert.equal(row.topLogprobs?.length ?? 0, wanted.topLogprobs);
      assert.equal(row.textLogprob !== null, reads.textLogprob === true);
      assert.equal(row.distribution !== null, reads.distribution === true);
      assert.equal(row.hidden !== null, reads.hidden === true);
      const [bare] = await session.rows(request);
      const { tokenId: _, ...values } = bare ?? { tokenId: 0 };
      assert.ok(Object.values(values).every((value) => value === null));
      assert.equal(missingCapability({ reads: wanted }, session.capabilities), null);
    },
  },
  {
    name: 'meters every use once, under the id of its model',
    async run(bench) {
      await bench.session.rows({ text: bench.subject.prompt, outputCount: 1, purpose: 'route' });
      const work = bench.work();
      assert.ok(work.length > 0);
      for (const { model } of work) assert.equal(model, bench.session.modelId);
      assert.equal(work.filter(({ purpose }) => purpose === 'route').length, 1);
      assert.deepEqual(bench.work(), []);
    },
  },
  {
    name: 'forks into branches that write and end independently',
    async run(bench) {
      const { session, subject } = bench;
      await session.rows({ text: subject.prompt, outputCount: 1, purpose: 'draft' });
      const [a = 0, b = 1] = subject.prompt;
      const branches = [session.fork(), session.fork()];
      const texts = [a, b].map((token) => [...subject.prompt, token] as TokenId[]);
      const rows = await Promise.all(
        branches.map((branch, index) =>
          branch.rows({ text: texts[index] ?? [], outputCount: 1, purpose: 'draft' }),
        ),
      );
      for (const [index, [row]] of rows.entries()) {
        assert.equal(row?.tokenId, await subject.choiceBehind(texts[index] ?? []));
      }
      await branches[0]?.[Symbol.asyncDispose]();
      await branches[1]?.rows({ text: texts[1] ?? [], outputCount: 1, purpose: 'draft' });
      await branches[1]?.[Symbol.asyncDispose]();
      assert.deepEqual(ids(await bench.written(2)), await bench.continuation(2));
    },
  },
  {
    name: 'tells the length of a text that its model has still to read',
    async run({ session, subject }) {
      const text = subject.prompt;
      assert.equal(session.unreadLength(text), text.length);
      await session.rows({ text, outputCount: 1, purpose: 'draft' });
      const left = session.unreadLength([...text, ...text]);
      assert.ok(left >= text.length && left <= 2 * text.length);
    },
  },
  {
    name: 'does nothing more after it was disposed of, once or several times',
    async run({ session, subject }) {
      const request = { text: subject.prompt, outputCount: 1, purpose: 'draft' as const };
      await session.rows(request);
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
      await assert.rejects(session.rows(request), isCode('disposed', 'aborted'));
    },
  },
  {
    name: 'does nothing for an ended request',
    async run({ session, subject, request: { signal }, request }) {
      request.abort();
      assert.ok(signal.aborted);
      const rows = session.rows({ text: subject.prompt, outputCount: 1, purpose: 'draft' });
      await assert.rejects(rows, isCode('aborted'));
    },
  },
];

/** The cases that need calls that can be held. */
const IN_FLIGHT_CASES: readonly SessionCase[] = [
  {
    name: 'cancels the call in flight when it is disposed of',
    async run({ session, subject }) {
      const release = subject.hold?.();
      const rows = session.rows({ text: subject.prompt, outputCount: 1, purpose: 'draft' });
      const rejected = assert.rejects(rows, isCode('disposed', 'aborted'));
      await new Promise((done) => setImmediate(done));
      const closing = session[Symbol.asyncDispose]();
      await rejected;
      release?.();
      await closing;
    },
  },
  {
    name: 'cancels the call in flight when its request ends',
    async run({ session, subject, request }) {
      const release = subject.hold?.();
      const rows = session.rows({ text: subject.prompt, outputCount: 1, purpose: 'draft' });
      const rejected = assert.rejects(rows, isCode('aborted'));
      await new Promise((done) => setImmediate(done));
      request.abort();
      await rejected;
      release?.();
    },
  },
];

/** The cases that need calls that can be made to fail. */
const FAILURE_CASES: readonly SessionCase[] = [
  {
    name: 'fails with the error of its call, and the next call is right again',
    async run(bench) {
      const { session, subject } = bench;
      const failure = new PilotfishError('native-failed', 'a failure of the test');
      subject.failNext?.(failure);
      const request = { text: subject.prompt, outputCount: 1, purpose: 'draft' as const };
      await assert.rejects(session.rows(request), isCode('native-failed'));
      assert.deepEqual(ids(await bench.written(3)), await bench.continuation(3));
    },
  },
];

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
