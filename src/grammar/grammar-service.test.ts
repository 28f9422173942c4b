import { afterEach, describe, expect, it, vi } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { tokenIds } from '../core/token-id.ts';
import { byteEngine, byteVocabulary, END_ID } from './fakes/byte-engine.ts';
import { compiledText, type GrammarSource, grammarSource } from './grammar-request.ts';
import { GrammarService, type GrammarServiceOptions, GrammarSession } from './grammar-service.ts';
import { GrammarTracker } from './grammar-tracker.ts';
import { ThreadHandle } from './thread-handle.ts';

const SCHEMA = grammarSource({
  jsonSchema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
});
const ANSWER = tokenIds([...Buffer.from('{"a":12}'), END_ID]);
/** It compiles within about a second, but never within a millisecond. */
const SLOW: GrammarSource = grammarSource({ regex: '[a-z ]{2000}' });

let open: GrammarService[] = [];
function service(options: Partial<GrammarServiceOptions> = {}): GrammarService {
  const made = new GrammarService({ vocabulary: byteVocabulary, ...options });
  open.push(made);
  return made;
}
afterEach(async () => {
  vi.useRealTimers();
  for (const each of open) await each[Symbol.asyncDispose]();
  open = [];
});

describe('GrammarService', () => {
  it('gives the same masks as the engine in this thread', async () => {
    const engine = await byteEngine();
    using matcher = await engine.open(compiledText(SCHEMA));
    const tracker = new GrammarTracker(matcher);
    using session = await service().open(SCHEMA);
    for (const length of [0, 3, 8, 9, 1]) {
      const answer = ANSWER.slice(0, length);
      expect(await session.masks(answer, 0)).toEqual(await tracker.masks(answer, 0));
      expect(await session.allowedLength(answer)).toBe(length);
    }
    expect(await session.allowedLength(tokenIds([...Buffer.from('{"b')]))).toBe(2);
  });

  it('keeps many sessions apart, even if their calls interleave', async () => {
    const grammars = service();
    const sources = ['ab*', 'b+', '(ab)*'].map((regex) => grammarSource({ regex }));
    const sessions = await Promise.all(sources.map((source) => grammars.open(source)));
    const text = tokenIds([...Buffer.from('abab')]);
    const lengths = await Promise.all(sessions.map((session) => session.allowedLength(text)));
    expect(lengths).toEqual([2, 0, 4]);
    for (const session of sessions) session[Symbol.dispose]();
  });

  it('refuses a wrong grammar, naming the fault, and goes on', async () => {
    const grammars = service();
    using before = await grammars.open(SCHEMA);
    const wrong = grammarSource({ gbnf: 'root ::= "a" foo' });
    await expect(grammars.open(wrong)).rejects.toMatchObject({
      code: 'grammar-invalid',
      message: expect.stringContaining('line 1, column 14: there is no rule named foo'),
      remedy: 'Correct the grammar (GBNF).',
    });
    expect(await before.allowedLength(ANSWER)).toBe(ANSWER.length);
  });

  it('ends a call that takes too long, while other sessions go on in a new thread', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const grammars = service({ stepDeadlineMs: 1000 });
    using other = await grammars.open(SCHEMA);
    const masks = await other.masks(ANSWER, 0);
    using endless = await grammars.open(grammarSource({ regex: 'a*' }));
    const long = tokenIds(new Array<number>(1_000_000).fill(0x61));
    const refusal = expect(endless.masks(long, 0)).rejects.toMatchObject({
      code: 'grammar-invalid',
      message: expect.stringContaining('took more than 1000 ms'),
    });
    while (vi.getTimerCount() === 0) await new Promise(setImmediate);
    vi.advanceTimersByTime(1000);
    await refusal;
    expect(await other.masks(ANSWER, 0)).toEqual(masks);
    expect(await endless.allowedLength(long.slice(0, 3))).toBe(3);
  });

  it('refuses a grammar that would grow without bounds before the engine sees it', async () => {
    // Tracking every possible place of the last a would take 2^20 states.
    const hostile = grammarSource({ regex: `[ab]*a${'[ab]'.repeat(20)}` });
    await expect(service().open(hostile)).rejects.toMatchObject({
      code: 'grammar-invalid',
      message: expect.stringContaining('too large'),
    });
  });

  it('reports that compiling takes too long', async () => {
    const grammars = service({ compileDeadlineMs: 1 });
    await expect(grammars.open(SLOW)).rejects.toMatchObject({
      code: 'grammar-invalid',
      message: expect.stringContaining('took more than 1 ms'),
    });
  });

  it('lets an aborted caller go at once', async () => {
    const grammars = service();
    const abort = new AbortController();
    const opening = grammars.open(SLOW, abort.signal);
    const waiting = grammars.open(SCHEMA, abort.signal);
    abort.abort();
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    using session = await grammars.open(SCHEMA);
    expect(await session.allowedLength(ANSWER)).toBe(ANSWER.length);
  });

  it('refuses calls after closing, and ends those under way', async () => {
    const grammars = service();
    using session = await grammars.open(SCHEMA);
    const opening = grammars.open(SLOW);
    await Promise.all([
      expect(opening).rejects.toMatchObject({ code: 'disposed' }),
      grammars[Symbol.asyncDispose](),
    ]);
    await expect(session.masks(ANSWER, 0)).rejects.toMatchObject({ code: 'disposed' });
    await expect(grammars.open(SCHEMA)).rejects.toMatchObject({ code: 'disposed' });
  });
});

describe('GrammarSession', () => {
  const deadlines = { compileMs: 20_000, stepMs: 5_000 };

  it('makes no call to the thread once it is closed, even while it is opened anew', async () => {
    const thread = new ThreadHandle(await byteVocabulary());
    const calls = vi.spyOn(thread, 'call');
    const session = new GrammarSession({ deadlines, inThread: (work) => work(thread) }, 1, SCHEMA);
    const masks = session.masks(ANSWER, 0);
    session[Symbol.dispose]();
    await expect(masks).rejects.toMatchObject({ code: 'disposed' });
    await expect(session.allowedLength(ANSWER)).rejects.toMatchObject({ code: 'disposed' });
    expect(calls.mock.calls.map(([{ kind }]) => kind)).toEqual(['open']);
    await thread.end(new PilotfishError('disposed', 'The test is over.'));
  });
});

describe('the thread', () => {
  it('refuses an unknown session, and goes on', async () => {
    const thread = new ThreadHandle(await byteVocabulary());
    const answer = Int32Array.from(ANSWER);
    const unknown = { kind: 'allowed-length', session: 7, answer } as const;
    await expect(thread.call(unknown, 20_000)).rejects.toMatchObject({ code: 'disposed' });
    await thread.call({ kind: 'open', session: 7, source: SCHEMA }, 20_000);
    expect(await thread.call(unknown, 20_000)).toEqual({ length: ANSWER.length });
    await thread.end(new PilotfishError('disposed', 'The test is over.'));
  });
});
