/** Refusals before a model is searched for. test/pocket has evaluations that run. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EvaluateOptions, evaluate } from './evaluate.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-evaluate-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** There are no models, so an evaluation that comes to loading them fails with another error. */
function asked(options: Partial<EvaluateOptions>): EvaluateOptions {
  return {
    ...{ task: 'pocket', count: 2, strategies: ['entropy'], home, offline: true },
    ...{ small: join(home, 'none.gguf'), large: join(home, 'none.gguf') },
    ...{ folder: join(home, 'out'), ...options },
  };
}

describe('evaluate refuses, before a model is searched for,', () => {
  const wrong: readonly (readonly [string, Partial<EvaluateOptions>, object])[] = [
    [
      'no task',
      { task: undefined } as object,
      {
        code: 'option-invalid',
        message: 'No questions were chosen: --task is missing.',
        remedy: expect.stringContaining('Give --task'),
      },
    ],
    ['an unknown task', { task: 'crosswords' }, { code: 'task-unknown' }],
    ['an unknown slice', { slice: 'crosswords' }, { code: 'slice-unknown' }],
    [
      'a slice of another task',
      { slice: 'gsm8k-test-400' },
      { code: 'option-invalid', remedy: 'Give --task gsm8k.' },
    ],
    ['an unknown split', { split: 'other' }, { code: 'option-invalid' }],
    ['an unknown strategy', { strategies: ['guess'] }, { code: 'strategy-unknown' }],
    ['a wrong threshold', { strategies: ['random@2'] }, { code: 'threshold-invalid' }],
    [
      'a strategy with and without a threshold',
      { strategies: ['entropy@1', 'random', 'entropy'] },
      {
        code: 'option-invalid',
        message: 'entropy is requested with and without a threshold.',
        fields: { strategy: 'entropy' },
      },
    ],
    [
      'an interval of one share',
      { interval: [0.4] },
      { code: 'option-invalid', fields: { interval: '0.4' } },
    ],
    ['no seeds', { seedCount: 0 }, { code: 'option-invalid', fields: { option: 'seedCount' } }],
    ['no points', { pointCount: 0 }, { message: 'pointCount is 0, not an integer from 1 up.' }],
    ['a share in percent', { screenShare: 25 }, { fields: { option: 'screenShare', value: '25' } }],
    ['an unknown profile', { profiles: ['nowhere'] }, { code: 'profile-unknown' }],
    [
      'an unlimited number of questions',
      { count: undefined } as object,
      { code: 'option-invalid' },
    ],
  ];
  it.each(wrong)('%s', async (_, options, refusal) => {
    await expect(evaluate(asked(options))).rejects.toMatchObject(refusal);
    expect(await readdir(home)).toEqual([]);
  });

  it('an invalid question', async () => {
    const task = join(home, 'mine.jsonl');
    await writeFile(task, '{"question": "What?"}\n');
    await expect(evaluate(asked({ task }))).rejects.toMatchObject({ code: 'data-invalid' });
  });
});

describe('evaluate', () => {
  it('searches for models once all other options are valid', async () => {
    await expect(evaluate(asked({}))).rejects.toMatchObject({ code: 'model-file-missing' });
    expect(await readdir(home)).toEqual([]);
  });
});
