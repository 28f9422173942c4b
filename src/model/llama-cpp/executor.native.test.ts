import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InvariantError, required } from '../../core/invariant.ts';
import type { RowProgram } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import type { Forward } from '../roles.ts';
import { DECODE_KV_FULL, DECODE_OK } from './abi.ts';
import {
  executorBench as bench,
  choicesOf,
  codeOf,
  DECODE_FAILED,
  PROGRAM,
  rowValue,
  settle,
  takeViolations,
  tokensOf,
} from './fakes/fake-context.ts';

afterEach(() => {
  vi.useRealTimers();
  expect(takeViolations()).toEqual([]);
});

describe('batching', () => {
  it('runs forwards that wait together in one native batch, each with its own rows', async () => {
    const { ask, choices, context, executor } = bench();
    const forwards = [ask(0, 3), ask(1, 1), ask(2, 5, { outputs: 5 })];
    expect(await Promise.all(forwards.map(choices))).toEqual([
      choicesOf(0, 2, 3),
      choicesOf(1, 0, 1),
      choicesOf(2, 0, 5),
    ]);
    expect(context.decodes).toEqual(['0:3 1:1 2:5']);
    expect(context.outputCounts).toEqual([7]);
    expect(executor.batchCount).toBe(1);
  });

  it('waits for forwards that are ready in the same turn of the event loop', async () => {
    const { ask, context } = bench();
    const first = ask(0, 1);
    for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
    await Promise.all([first, ask(1, 1)]);
    expect(context.decodes).toEqual(['0:1 1:1']);
  });

  it('waits for requests that continue at once, so that they do not alternate', async () => {
    const { ask, context } = bench();
    const write = async (sequence: number, count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) await ask(sequence, 1);
    };
    const others: Promise<void>[] = [];
    context.during = (decode) => {
      if (decode === 0) others.push(write(1, 2));
    };
    await write(0, 3);
    await Promise.all(others);
    expect(context.decodes).toEqual(['0:1', '1:1 0:1', '1:1 0:1']);
  });

  it.each([
    { outputs: 0, outputCounts: [0, 0, 0] },
    { outputs: 1, outputCounts: [0, 0, 1] },
    { outputs: 30, outputCounts: [0, 8, 22] },
    { outputs: 150, outputCounts: [64, 64, 22] },
  ])('splits a long forward, $outputs of its rows with outputs', async (expected) => {
    const { ask, choices, context } = bench();
    const rows = await choices(ask(0, 150, { outputs: expected.outputs }));
    expect(rows).toEqual(choicesOf(0, 150 - expected.outputs, 150));
    expect(context.decodes).toEqual(['0:64', '0:64', '0:22']);
    expect(context.outputCounts).toEqual(expected.outputCounts);
  });

  it('runs a long forward beside others, part by part', async () => {
    const { ask, choices, context } = bench();
    const long = choices(ask(0, 100));
    for (let index = 0; index < 2; index += 1) {
      expect(await choices(ask(1, 4))).toEqual(choicesOf(1, index * 4 + 3, index * 4 + 4));
    }
    expect(await long).toEqual(choicesOf(0, 99, 100));
    expect(context.decodes).toEqual(['1:4 0:60', '1:4 0:40']);
  });

  it('gives hidden states that outlive the batch, to the requests that asked for them', async () => {
    const { ask, context } = bench();
    const [hidden, plain] = await Promise.all([ask(0, 3, { hidden: true, outputs: 2 }), ask(1, 1)]);
    expect(context.decodes).toEqual(['0:3 hidden', '1:1']);
    expect(hidden.rows.map((row) => row.hidden)).toEqual([
      Float32Array.of(rowValue(tokensOf(0, 0, 2))),
      Float32Array.of(rowValue(tokensOf(0, 0, 3))),
    ]);
    expect(plain.rows.map((row) => row.hidden)).toEqual([null]);
  });

  it('gives every row the noise of its own position', async () => {
    const { ask, choices } = bench();
    const warm = { ...PROGRAM, sampling: { ...GREEDY, temperature: 50 } };
    const whole = await choices(ask(0, 80, { outputs: 80, program: warm }));
    const { ask: askAgain, choices: again } = bench();
    const pieces: number[] = [];
    for (let index = 0; index < 4; index += 1) {
      pieces.push(...(await again(askAgain(0, 20, { outputs: 20, program: warm }))));
    }
    expect(pieces).toEqual(whole);
    expect(new Set(whole).size).toBeGreaterThan(10);
  });
});

describe('the times of a forward', () => {
  it('add up to those of its batches, by rows', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { ask, context } = bench();
    context.during = () => vi.advanceTimersByTime(30);
    const [one, two] = await Promise.all([ask(0, 1), ask(1, 2)]);
    expect(one.computeMs).toBeCloseTo(10, 9);
    expect(two.computeMs).toBeCloseTo(20, 9);
    expect(one.waitedMs).toBeCloseTo(20, 9);
    expect(two.waitedMs).toBeCloseTo(10, 9);
    expect((await ask(2, 150)).computeMs).toBeCloseTo(90, 9);
  });

  it('count reading its own rows as computing, and the batches before it as waiting', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { ask, context } = bench();
    context.reading = () => vi.advanceTimersByTime(2);
    let late: Promise<Forward> | null = null;
    context.during = (decode) => {
      if (decode === 0) late = ask(1, 2, { outputs: 2 });
      vi.advanceTimersByTime(30);
    };
    expect((await ask(0, 1)).computeMs).toBeCloseTo(32, 9);
    const { computeMs, waitedMs } = await required<Promise<Forward>>(late, 'it was asked for');
    expect(computeMs).toBeCloseTo(34, 9);
    expect(waitedMs).toBeCloseTo(32, 9);
  });
});

describe('changes of sequences', () => {
  it('run between batches, before the next one, and return their results', async () => {
    const { ask, context, executor } = bench();
    const log: string[] = [];
    context.during = async (decode) => {
      log.push(`decode ${decode}`);
      if (decode > 0) return;
      void ask(1, 1);
      void executor
        .change((given) => log.push(`change of ${given.length(0)}`))
        .then(() => executor.change((given) => given.copy(0, 2, 1)))
        .then(() => log.push('change after change'));
      await settle();
      log.push('end');
    };
    await ask(0, 1);
    await settle();
    expect(log).toEqual(['decode 0', 'end', 'change of 1', 'change after change', 'decode 1']);
    expect(context.tokens(2)).toEqual(tokensOf(0, 0, 1));
    await expect(executor.change((given) => given.length(2))).resolves.toBe(1);
  });

  it('fail alone', async () => {
    const { ask, choices, executor } = bench();
    const failing = executor.change(() => {
      throw new Error('the change failed');
    });
    const forward = choices(ask(0, 1));
    await expect(failing).rejects.toThrow('the change failed');
    await expect(executor.change(() => 'next')).resolves.toBe('next');
    expect(await forward).toEqual(choicesOf(0, 0, 1));
  });
});

describe('a cancelled forward', () => {
  it('never starts if its signal has already fired', async () => {
    const { ask, context } = bench();
    expect(await codeOf(ask(0, 1, { signal: AbortSignal.abort() }))).toBe('aborted');
    await settle();
    expect(context.decodes).toEqual([]);
  });

  it('gets its error while the device is busy, and is not in the batch', async () => {
    const { ask, choices, context, device } = bench();
    const leave = await device.enter();
    const controller = new AbortController();
    const cancelled = codeOf(ask(0, 1, { signal: controller.signal }));
    const other = choices(ask(1, 1));
    await settle();
    controller.abort();
    expect(await cancelled).toBe('aborted');
    leave();
    expect(await other).toEqual(choicesOf(1, 0, 1));
    expect(context.decodes).toEqual(['1:1']);
  });

  it('leaves nothing to run if only it waited for the device', async () => {
    const { ask, context, device, executor } = bench();
    const leave = await device.enter();
    const controller = new AbortController();
    const cancelled = codeOf(ask(0, 1, { signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await cancelled).toBe('aborted');
    leave();
    await settle();
    expect(context.decodes).toEqual([]);
    expect(executor.batchCount).toBe(0);
    expect(device.waitingCount).toBe(0);
    expect(await codeOf(ask(0, 1))).toBe('done');
  });

  it('does not stop a batch that it is not in', async () => {
    const { ask, choices, context } = bench();
    const controller = new AbortController();
    const outcomes: string[] = [];
    context.during = async () => {
      const queued = codeOf(ask(1, 1, { signal: controller.signal }));
      controller.abort();
      outcomes.push(await queued);
    };
    expect(await choices(ask(0, 1))).toEqual(choicesOf(0, 0, 1));
    expect(outcomes).toEqual(['aborted']);
    await settle();
    expect(context.decodes).toEqual(['0:1']);
  });

  it('stops its batch; the others run again, as if it had never been there', async () => {
    const { ask, choices, context } = bench();
    const controller = new AbortController();
    context.during = (decode) => {
      if (decode === 0) controller.abort();
    };
    const first = choices(ask(0, 5, { outputs: 5 }));
    const cancelled = codeOf(ask(1, 3, { signal: controller.signal }));
    const last = choices(ask(2, 2, { outputs: 2 }));
    expect(await cancelled).toBe('aborted');
    expect(await first).toEqual(choicesOf(0, 0, 5));
    expect(await last).toEqual(choicesOf(2, 0, 2));
    expect(context.decodes).toEqual(['0:5 1:3 2:2', '0:5 2:2']);
    expect(await choices(ask(1, 1))).toEqual(choicesOf(1, 0, 1));
  });

  it('keeps the rows of earlier batches, and none of the batch that it stopped', async () => {
    const { ask, context } = bench();
    const controller = new AbortController();
    context.during = (decode) => {
      if (decode === 1) controller.abort();
    };
    expect(await codeOf(ask(0, 150, { signal: controller.signal }))).toBe('aborted');
    await settle();
    expect(context.decodes).toEqual(['0:64', '0:64']);
    expect(context.tokens(0)).toEqual(tokensOf(0, 0, 64));
  });

  it('does not harm the others if it is cancelled while rows are read', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { ask, choices, context } = bench();
    const controller = new AbortController();
    // The reading is slow, so the event loop gets a turn between the rows.
    context.reading = () => {
      setImmediate(() => controller.abort());
      vi.advanceTimersByTime(10);
    };
    const first = choices(ask(0, 2, { outputs: 2 }));
    // It has all its rows, so it may also end without an error.
    await codeOf(ask(1, 2, { outputs: 2, signal: controller.signal }));
    expect(await first).toEqual(choicesOf(0, 0, 2));
    expect(await choices(ask(0, 1))).toEqual(choicesOf(0, 2, 3));
    expect(context.decodes).toEqual(['0:2 1:2', '0:1']);
  });

  it('does not continue if only a part of it was read', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { ask, context } = bench();
    const controller = new AbortController();
    context.reading = () => {
      setImmediate(() => controller.abort());
      vi.advanceTimersByTime(10);
    };
    const asking = { outputs: 100, signal: controller.signal };
    expect(await codeOf(ask(0, 100, asking))).toBe('aborted');
    await settle();
    expect(context.decodes).toEqual(['0:64']);
  });

  it('leaves no listener behind, with any outcome', async () => {
    const { ask, context } = bench();
    const { signal } = new AbortController();
    context.code = () => (context.decodes.length === 2 ? DECODE_FAILED : DECODE_OK);
    expect(await codeOf(ask(0, 1, { signal }))).toBe('done');
    expect(await codeOf(ask(0, 1, { signal }))).toBe('native-failed');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a batch that fails', () => {
  it.each([
    { code: DECODE_KV_FULL, error: { code: 'kv-full' } },
    { code: DECODE_FAILED, error: { code: 'native-failed', fields: { code: DECODE_FAILED } } },
  ])('with code $code fails a lone forward, and takes its rows back', async (given) => {
    const { ask, choices, context } = bench();
    await ask(0, 1);
    context.code = () => given.code;
    await expect(ask(0, 3)).rejects.toMatchObject(given.error);
    context.code = () => DECODE_OK;
    expect(context.tokens(0)).toEqual(tokensOf(0, 0, 1));
    expect(await choices(ask(0, 2))).toEqual(choicesOf(0, 2, 3));
  });

  it('fails only the forward at fault', async () => {
    const { ask, choices, context } = bench();
    context.code = (parts) =>
      parts.some(({ sequence }) => sequence === 1) ? DECODE_KV_FULL : DECODE_OK;
    const first = choices(ask(0, 2, { outputs: 2 }));
    const atFault = codeOf(ask(1, 1));
    const last = choices(ask(2, 2, { outputs: 2 }));
    expect(await atFault).toBe('kv-full');
    expect(await first).toEqual(choicesOf(0, 0, 2));
    expect(await last).toEqual(choicesOf(2, 0, 2));
    expect(context.decodes).toEqual(['0:2 1:1 2:2', '0:2', '1:1', '2:2']);
  });

  it('fails no forward if each fits alone', async () => {
    const { ask, choices, context } = bench();
    context.code = (parts) => (parts.length > 1 ? DECODE_KV_FULL : DECODE_OK);
    const forwards = [ask(0, 2), ask(1, 3), ask(2, 1)].map(choices);
    expect(await Promise.all(forwards)).toEqual([
      choicesOf(0, 1, 2),
      choicesOf(1, 2, 3),
      choicesOf(2, 0, 1),
    ]);
  });

  it('is not repeated for a forward that is cancelled meanwhile', async () => {
    const { ask, choices, context } = bench();
    const early = new AbortController();
    const late = new AbortController();
    context.code = (parts) => (parts.length > 1 ? DECODE_FAILED : DECODE_OK);
    context.during = (decode) => {
      if (decode === 1) late.abort();
      if (decode === 2) early.abort();
    };
    const first = choices(ask(0, 1));
    const second = codeOf(ask(1, 1, { signal: early.signal }));
    const third = codeOf(ask(2, 1, { signal: late.signal }));
    const last = choices(ask(3, 1));
    expect(await Promise.all([second, third])).toEqual(['aborted', 'aborted']);
    expect(await Promise.all([first, last])).toEqual([choicesOf(0, 0, 1), choicesOf(3, 0, 1)]);
    expect(context.decodes).toEqual(['0:1 1:1 2:1 3:1', '0:1', '1:1', '3:1']);
  });

  it('with an exception fails all of its forwards, and no later ones', async () => {
    const { ask, context } = bench();
    context.code = () => {
      throw new Error('the decode threw');
    };
    const both = [codeOf(ask(0, 1)), codeOf(ask(1, 1))];
    expect(await Promise.all(both)).toEqual(['the decode threw', 'the decode threw']);
    context.code = () => DECODE_OK;
    expect(await codeOf(ask(2, 1))).toBe('done');
  });
});

describe('a forward at fault', () => {
  it('fails alone if its row program throws', async () => {
    const { ask, choices, context } = bench();
    const program: RowProgram = {
      ...PROGRAM,
      get vocabularySize(): number {
        throw new Error('the program threw');
      },
    };
    const first = choices(ask(0, 1));
    const failing = codeOf(ask(1, 3, { outputs: 3, program }));
    const last = choices(ask(2, 2, { outputs: 2 }));
    expect(await failing).toBe('the program threw');
    expect(await first).toEqual(choicesOf(0, 0, 1));
    expect(await last).toEqual(choicesOf(2, 0, 2));
    expect(context.decodes).toEqual(['0:1 1:3 2:2']);
  });

  it('does not continue if its row program throws half way', async () => {
    const { ask, context } = bench();
    const program: RowProgram = {
      ...PROGRAM,
      get seed(): number {
        throw new Error('the program threw');
      },
      sampling: { ...GREEDY, temperature: 1 },
    };
    expect(await codeOf(ask(0, 150, { outputs: 100, program }))).toBe('the program threw');
    await settle();
    expect(context.decodes).toEqual(['0:64']);
  });

  it('fails alone if its sequence has another length than it says', async () => {
    const { ask, choices, context, executor } = bench();
    const request = { tokens: tokenIds([1]), outputFrom: 0, program: PROGRAM };
    const failing = executor.forward({ sequence: 0, position: 5 }, request);
    const other = choices(ask(1, 1));
    expect(await failing).toMatchObject({ length: 0, error: expect.any(InvariantError) });
    expect(await other).toEqual(choicesOf(1, 0, 1));
    expect(context.decodes).toEqual(['1:1']);
  });

  it('gets the error of a device that refuses the batch', async () => {
    const { ask, device } = bench({ waitingCountMax: 0 });
    const leave = await device.enter();
    expect(await codeOf(ask(0, 1))).toBe('engine-busy');
    leave();
    expect(await codeOf(ask(0, 1))).toBe('done');
  });
});
