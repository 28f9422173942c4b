import { describe, expect, it } from 'vitest';
import { systemClock } from '../core/clock.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { WorkRecorder } from '../session/work-recorder.ts';
import { Attempts } from './attempts.ts';
import { MeteredCall } from './metered-call.ts';
import { ServedStream, type StreamPart } from './served-stream.ts';
import { ServerClient } from './server-client.ts';

const client = new ServerClient({ base: 'http://127.0.0.1:1', env: {} });
const row = (id: number): RowResult => ({ ...NOTHING_READ, tokenId: tokenId(id) });
const part = (ids: readonly number[], more: Partial<StreamPart> = {}): StreamPart => ({
  ...{ rows: ids.map(row), end: null, usage: null, writtenCount: null },
  ...more,
});

type Step = StreamPart | 'break';

/** A stream over legs, and what each of them was opened with. */
function streamOf(
  legs: readonly (readonly Step[])[],
  resumes = true,
  whole?: (written: readonly TokenId[], count: number) => Promise<readonly RowResult[]>,
) {
  const opened: (readonly TokenId[])[] = [];
  const recorder = new WorkRecorder();
  const call = new MeteredCall({
    ...{ model: 'far', purpose: 'correct', recorder, clock: systemClock, isFirst: true },
    signal: new AbortController().signal,
  });
  const stream = new ServedStream({
    ...{ client, call, endRow: row(99), readCount: 10, resumes, whole },
    attempts: new Attempts({ limits: client.limits, clock: systemClock, sleep: async () => {} }),
    async *open(written) {
      const steps = legs[opened.length] ?? [];
      opened.push(written);
      for (const step of steps) {
        if (step === 'break') throw client.invalid('broke');
        yield step;
      }
    },
  });
  return { stream, opened, call, recorder };
}

async function read(stream: ServedStream, count: number): Promise<readonly number[]> {
  const ids: number[] = [];
  while (ids.length < count) ids.push((await stream.next()).tokenId);
  return ids;
}

describe('the stream of a server', () => {
  it('goes on behind the last token that arrived, also if nobody had read it', async () => {
    const { stream, opened } = streamOf([[part([1, 2]), 'break'], [part([3])]]);
    expect(await read(stream, 3)).toEqual([1, 2, 3]);
    expect(opened).toEqual([[], [1, 2]]);
  });

  it('begins no other answer where it cannot go on with this one', async () => {
    const { stream, opened } = streamOf([[part([1]), 'break'], [part([2])]], false);
    expect(await read(stream, 1)).toEqual([1]);
    await expect(stream.next()).rejects.toThrow('broke');
    expect(opened).toHaveLength(1);
    const again = streamOf([['break'], [part([2])]], false);
    expect(await read(again.stream, 1)).toEqual([2]);
  });

  it('ends with a row of its own where the server names no token', async () => {
    const { stream } = streamOf([[part([1], { end: 'model' })]]);
    expect(await read(stream, 2)).toEqual([1, 99]);
  });

  it('goes on behind a limit of the server, as long as it brings tokens', async () => {
    const legs = [[part([1], { end: 'limit' })], [part([2, 3], { end: 'limit' })]];
    const { stream, opened } = streamOf([...legs, [part([], { end: 'limit' })]]);
    expect(await read(stream, 3)).toEqual([1, 2, 3]);
    expect(await stream.next()).toEqual({ ...row(99), isCut: true });
    expect(opened).toEqual([[], [1], [1, 2, 3]]);
  });

  it('ends at a limit of the server where it cannot go on', async () => {
    const { stream, opened } = streamOf([[part([1], { end: 'limit' })]], false);
    await read(stream, 1);
    expect(await stream.next()).toEqual({ ...row(99), isCut: true });
    expect(opened).toHaveLength(1);
  });

  it('takes no part that was lost or repeated', async () => {
    const lost = part([3], { writtenCount: 3 });
    const { stream, opened } = streamOf([
      [part([1], { writtenCount: 1 }), lost],
      [part([2], { writtenCount: 1 })],
    ]);
    expect(await read(stream, 2)).toEqual([1, 2]);
    expect(opened).toEqual([[], [1]]);
  });

  it('is made whole where an engine leaves tokens out', async () => {
    const asked: (readonly unknown[])[] = [];
    const whole = async (written: readonly TokenId[], count: number) => {
      asked.push([written, count]);
      return [1, 2, 3, 4].slice(0, count).map(row);
    };
    const part1 = part([1], { writtenCount: 1 });
    const gap = part([3], { writtenCount: 3 });
    const end = part([], { writtenCount: 4, end: 'limit' });
    const { stream, opened } = streamOf([[part1, gap, end]], true, whole);
    expect(await read(stream, 4)).toEqual([1, 2, 3, 4]);
    expect(opened).toHaveLength(1);
    expect(asked).toEqual([
      [[], 3],
      [[], 4],
    ]);
    // An end without a token is counted, too.
    const ended = part([], { writtenCount: 5, end: 'model' });
    expect(await read(streamOf([[part1, gap, ended]], true, whole).stream, 5)).toEqual([
      1, 2, 3, 4, 99,
    ]);
  });

  it('is opened anew where what makes it whole is another text', async () => {
    const whole = async () => [7, 2, 3].map(row);
    const legs = [[part([1], { writtenCount: 1 }), part([3], { writtenCount: 3 })], [part([5])]];
    const { stream, opened } = streamOf(legs, true, whole);
    expect(await read(stream, 2)).toEqual([1, 5]);
    expect(opened).toHaveLength(2);
  });

  it('that begins without a token and breaks is asked for no more often than any other', async () => {
    const legs = Array.from({ length: 50 }, () => [part([]), 'break' as const]);
    const { stream, opened } = streamOf(legs);
    await expect(stream.next()).rejects.toThrow('broke');
    expect(opened).toHaveLength(client.limits.attemptCountMax);
  });

  it('that something cuts off has not ended', async () => {
    const { stream, opened } = streamOf([[part([1], { end: 'broken' })], [part([2])]]);
    expect(await read(stream, 1)).toEqual([2]);
    expect(opened).toEqual([[], []]);
  });

  it('is billed as the server says, and as far as is known where it does not', async () => {
    const usage = { readCount: 7, cachedCount: 4, writtenCount: 2 };
    const { stream, call, recorder } = streamOf([
      [part([1]), 'break'],
      [part([2], { end: 'limit' }), part([], { usage })],
    ]);
    await read(stream, 2);
    await stream.settle();
    call.record();
    call.record();
    const [work, ...more] = recorder.drain();
    expect(more).toEqual([]);
    expect(work?.billed).toEqual({ callCount: 2, inputCount: 17, cachedCount: 4, outputCount: 3 });
    expect(work?.rowCounts).toEqual([10, 3, 1]);
  });
});
