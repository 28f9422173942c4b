import { expect, it } from 'vitest';
import { systemClock } from '../core/clock.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { WorkRecorder } from '../session/work-recorder.ts';
import { SessionCalls, servedDraw } from './session-calls.ts';

function callsOf(recorder: WorkRecorder): SessionCalls {
  const request = {
    ...{ promptLength: 1, recorder, remoteSessions: new Set<AsyncDisposable>() },
    sampling: { vocabularySize: 3, sampling: GREEDY, seed: 0 },
    isEndOfGeneration: () => false,
    tokenBytes: () => new Uint8Array(),
    signal: new AbortController().signal,
  };
  return new SessionCalls({ modelId: 'far', request, clock: systemClock });
}

/** Makes a call that finds 7 tokens in the server's cache. */
function call(calls: SessionCalls): void {
  const made = calls.begin('correct');
  made.begin(9).settle({ readCount: 9, cachedCount: 7, writtenCount: 1 });
  calls.end(made);
}

it('only the first call of a session and its branches finds what earlier requests have read', () => {
  const recorder = new WorkRecorder();
  const calls = callsOf(recorder);
  const branch = calls.fork();
  for (const one of [branch, calls, calls.fork(), branch]) call(one);
  expect(recorder.drain().map(({ reusedRowCount }) => reusedRowCount)).toEqual([7, 0, 0, 0]);
});

it('a call that is open when its session ends is cancelled, and recorded once', async () => {
  const recorder = new WorkRecorder();
  const calls = callsOf(recorder);
  const open = calls.begin('correct');
  open.begin(9);
  await calls[Symbol.asyncDispose]();
  expect(open.signal.aborted).toBe(true);
  calls.end(open);
  expect(recorder.drain()).toHaveLength(1);
  expect(() => calls.begin('correct')).toThrow('The session was closed');
});

it('draws have seeds of their own, and greedy choices have none', () => {
  const sampling = { vocabularySize: 3, sampling: { ...GREEDY, temperature: 1 }, seed: 5 };
  const seedAt = (position: number, draw = 0) =>
    servedDraw({ sampling }, { draw }, { position }).seed;
  expect(new Set([seedAt(1), seedAt(2), seedAt(1, 2)]).size).toBe(3);
  expect(seedAt(1)).toBe(seedAt(1));
  expect(servedDraw({ sampling }, { temperature: 0 }, { position: 1 }).seed).toBeNull();
});
