/** Requests that share a device or a batch, and the effects of one request on the others. */
import { afterEach, describe, expect, it } from 'vitest';
import { tokenIds } from '../../core/token-id.ts';
import { ComputeDevice } from '../compute-device.ts';
import { DECODE_ABORTED, DECODE_OK } from './abi.ts';
import {
  executorBench as bench,
  choicesOf,
  codeOf,
  type ExecutorBench,
  PROGRAM,
  settle,
  takeViolations,
  tokensOf,
  VOCABULARY_SIZE,
} from './fakes/fake-context.ts';
import { LlamaCppSequence } from './sequence.ts';

afterEach(() => expect(takeViolations()).toEqual([]));

/** Two models on one device, and the order in which their batches ran. */
function twoModels(rowCountMax: number) {
  const device = new ComputeDevice({ name: 'the shared device', waitingCountMax: 9 });
  const [small, large] = [bench({ device, rowCountMax }), bench({ device, rowCountMax })];
  const log: string[] = [];
  const note = (name: string, { context }: ExecutorBench): void => {
    context.during = async (decode) => {
      log.push(`${name} ${context.decodes[decode]}`);
      await settle(3);
    };
  };
  note('small', small);
  note('large', large);
  return { small, large, log };
}

async function write({ ask }: ExecutorBench, sequence: number, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await ask(sequence, 1);
}

async function read({ ask }: ExecutorBench, sequence: number, chunks: number[]): Promise<void> {
  for (const rowCount of chunks) await ask(sequence, rowCount, { outputs: 0 });
  await ask(sequence, 1);
}

describe('two models on one device', () => {
  it('read a long prompt in small parts while the other one streams', async () => {
    const { small, large, log } = twoModels(256);
    const streaming = write(small, 0, 6);
    await settle(2);
    await Promise.all([streaming, read(large, 0, [256])]);
    expect(log.slice(0, 8)).toEqual([
      ...['small 0:1', 'large 0:64', 'small 0:1', 'large 0:64'],
      ...['small 0:1', 'large 0:64', 'small 0:1', 'large 0:64'],
    ]);
    expect(small.context.decodes).toHaveLength(6);
  });

  it('read at full width again when the stream has ended', async () => {
    const { small, large } = twoModels(256);
    await write(small, 0, 1);
    await read(large, 0, [256, 256, 200]);
    // Only after the first batch is it known that the stream is over.
    expect(large.context.decodes).toEqual(['0:64', '0:192', '0:256', '0:200', '0:1']);
  });

  it('read at full width after a stream of their own that has ended', async () => {
    const { large } = twoModels(256);
    await write(large, 0, 1);
    await read(large, 1, [256]);
    expect(large.context.decodes).toEqual(['0:1', '1:256', '1:1']);
  });

  it('do not slow each other down if both read prompts', async () => {
    const { small, large } = twoModels(256);
    await Promise.all([read(small, 0, [256, 256]), read(large, 0, [256, 256])]);
    expect(small.context.decodes).toEqual(['0:256', '0:256', '0:1']);
    expect(large.context.decodes.slice(0, 2)).toEqual(['0:256', '0:256']);
  });
});

describe('a client that cancels again and again', () => {
  it('does not keep the others from making progress', async () => {
    const { ask, choices, context } = bench();
    const cancelling: Promise<string>[] = [];
    let sequence = 10;
    const next = (): AbortController => {
      const controller = new AbortController();
      sequence += 1;
      cancelling.push(codeOf(ask(sequence, 4, { signal: controller.signal })));
      return controller;
    };
    let current = next();
    // In the middle of every batch one request is cancelled and another one arrives.
    context.during = async (decode) => {
      if (decode > 40) return;
      current.abort();
      current = next();
      await settle(2);
    };
    const prompt = choices(ask(0, 150));
    const stream = choices(ask(1, 1)).then(async (first) => [
      ...first,
      ...(await choices(ask(1, 1))),
    ]);
    const both = Promise.all([prompt, stream]);
    const stuck = settle(200).then(() => 'stuck');
    expect(await Promise.race([both, stuck])).not.toBe('stuck');
    expect(await both).toEqual([choicesOf(0, 149, 150), choicesOf(1, 0, 2)]);
    expect(context.decodes.length).toBeLessThan(20);
    await settle(200);
    expect(new Set(await Promise.all(cancelling.slice(0, -1)))).toEqual(new Set(['aborted']));
  });

  it('gets its error at once and leaves none of its rows, even if the batch goes on', async () => {
    const { ask, choices, context } = bench();
    const [first, second] = [new AbortController(), new AbortController()];
    const outcomes: string[] = [];
    context.during = async (decode) => {
      if (decode === 0) first.abort();
      if (decode === 1) second.abort();
      await settle(1);
      outcomes.push(
        (await Promise.race([cancelled[decode], settle().then(() => 'pending')])) ?? '',
      );
    };
    const survivor = choices(ask(0, 3));
    const cancelled = [first, second].map(({ signal }, index) =>
      codeOf(ask(index + 1, 2, { signal })),
    );
    expect(await survivor).toEqual(choicesOf(0, 2, 3));
    expect(outcomes).toEqual(['aborted', 'aborted']);
    expect(context.decodes).toEqual(['0:3 1:2 2:2', '0:3 2:2']);
    expect(context.codes).toEqual([DECODE_ABORTED, DECODE_OK]);
    expect([1, 2].map((sequence) => context.tokens(sequence))).toEqual([[], []]);
  });

  it('stops a batch without other requests', async () => {
    const { ask, context } = bench();
    const [early, late] = [new AbortController(), new AbortController()];
    context.during = (decode) => (decode === 0 ? early : late).abort();
    const outcomes = [
      codeOf(ask(0, 2, { signal: early.signal })),
      codeOf(ask(1, 60, { signal: late.signal })),
    ];
    expect(await Promise.all(outcomes)).toEqual(['aborted', 'aborted']);
    await settle();
    expect(context.codes).toEqual([DECODE_ABORTED, DECODE_ABORTED]);
    expect(context.tokens(1)).toEqual([]);
  });
});

describe('a request that is cancelled while its neighbour is read', () => {
  it('ends before the batch does, and knows the length of its sequence', async () => {
    const neighbour = bench({ rowCountMax: 64 });
    const { ask, context, executor } = neighbour;
    const sequence = new LlamaCppSequence(
      {
        executor,
        contextLength: 1000,
        rowCountMax: 64,
        vocabularySize: VOCABULARY_SIZE,
        open: () => sequence,
        close: async () => undefined,
      },
      1,
    );
    const tokens = tokenIds(tokensOf(0, 0, 64));
    await sequence.forward({ tokens: tokens.slice(0, 5), outputFrom: 5, program: PROGRAM });
    const abort = new AbortController();
    let outcome: Promise<string> = Promise.resolve('no request');
    const seen: unknown[] = [];
    context.during = async (decode) => {
      if (decode !== 1) return;
      outcome = codeOf(
        sequence.forward({ tokens, outputFrom: 64, program: PROGRAM }, abort.signal),
      );
      await settle();
      abort.abort();
      seen.push(await Promise.race([outcome, settle().then(() => 'pending')]), sequence.length);
    };
    expect(await codeOf(ask(0, 64))).toBe('done');
    expect(seen).toEqual(['aborted', 5]);
    expect(context.tokens(1)).toHaveLength(5);
  });
});
