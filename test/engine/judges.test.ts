/** Rewards of models that judge: the exact score, and what they read for it. */
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import {
  DIGITS,
  type JudgeLayout,
  type JudgeScale,
  PLUS_OR_MINUS,
  tagged,
  turns,
  YES_OR_NO,
} from '../../src/judging/judge-prompt.ts';
import { judgeReward } from '../../src/judging/judge-reward.ts';
import { rsd } from '../../src/strategy/rsd.ts';
import { createStrategy } from '../../src/strategy/strategy-value.ts';
import { A, B, END, JUDGE_TOKENS, judge, rowCount, run, steps, writer } from './judge-world.ts';

const SMALL_ANSWER = [...steps([A, A], [A, B]), A, END];
const LARGE_ANSWER = [...steps([B, B], [A, A]), B, END];
const pair = () => ({ small: writer(SMALL_ANSWER), large: writer(LARGE_ANSWER) });

/** The step that a text ends with, whose label comes next. */
const lastStep = (text: string): string => /Step \d+: (\w*)$/.exec(text)?.[1] ?? 'nothing';

function strategy(scales: readonly JudgeScale[], delta: number, layout: JudgeLayout = turns) {
  return rsd('judged', judgeReward({ name: 'judged', label: 'judge', layout, scales }), delta);
}

describe('a judge', () => {
  it('gives the share of yes among its labels, and sees each step in its place', async () => {
    const seen: string[] = [];
    const model = judge((text) => {
      seen.push(text);
      return lastStep(text) === 'ab' ? { yes: 0.1, no: 0.3 } : { yes: 0.4, no: 0.1 };
    });
    const { scores, text } = await run({ ...pair(), judge: model }, strategy([YES_OR_NO], 0));
    expect(text).toBe('aa\n\nab\n\na');
    expect(scores).toEqual([0.8, 0.25, 0.8].map((score) => expect.closeTo(score, 6)));
    expect(seen.map(lastStep)).toEqual(['aa', 'ab', 'a']);
    expect(seen.at(-1)).toMatch(/Answer yes or no\.\n\nProblem: ab\n\nStep 1: aayesStep 2: abyes/);
  });

  it('rejects below its threshold, and then judges behind the correction', async () => {
    const seen: string[] = [];
    const model = judge((text) => {
      seen.push(text);
      return lastStep(text) === 'aa' ? { yes: 0.2, no: 0.3 } : { yes: 0.3, no: 0.2 };
    });
    const { scores, text } = await run({ ...pair(), judge: model }, strategy([YES_OR_NO], 0.5));
    expect(text).toBe('bb\n\nab\n\na');
    expect(scores.map(Number)).toEqual([0.4, 0.6, 0.6].map((score) => expect.closeTo(score, 6)));
    expect(seen[1]).toContain('Step 1: bbyesStep 2: ab');
  });

  it('gives the expectation of its digits, and SpecReason counts up to nine', async () => {
    const model = judge(() => ({ 9: 0.2, 6: 0.1, 0: 0.1 }));
    const { scores } = await run({ ...pair(), judge: model }, strategy([DIGITS], 0));
    expect(scores[0]).toBeCloseTo((0.2 * 9 + 0.1 * 6) / 0.4 / 9, 6);
    const models = () => ({ ...pair(), judge: judge(() => ({ 9: 0.2, 6: 0.1, 0: 0.1 })) });
    const kept = await run(models(), createStrategy('specreason@5.9'));
    expect(kept.scores[0]).toBeCloseTo(6, 5);
    expect(kept.text).toBe('aa\n\nab\n\na');
    const rejected = await run(models(), createStrategy('specreason@6.1'));
    expect(rejected.text).toBe('bb\n\naa\n\nb');
  });

  it('is advised about on its own scale', async () => {
    const answer = [...steps([A, A], [A, B], [B, A], [B, B], [A, A], [A, B], [B, A]), END];
    const models = () => {
      const sevens = judge((_text, length) => (length % 2 === 0 ? { 7: 0.4 } : { 8: 0.4 }));
      return { small: writer(answer), large: writer(LARGE_ANSWER), judge: sevens };
    };
    const { events } = await run(models(), createStrategy('specreason@5'));
    const [notes] = events.flatMap((event) => (event.type === 'summary' ? [event.notes] : []));
    expect(notes).toEqual([
      'none of 8 rewards lies below δ = 5: no step was rejected; give a δ between 7 and 8',
    ]);
  });

  it.each([
    ['once', 0.4, 0],
    // Of the drafts "aa" and "ab" the corrections "bb" and "aa" share nothing, and one letter.
    ['once, but for the ends of rejected steps', 0.1, 2 + 1],
  ])('reads its text %s', async (_, yes, inVain) => {
    const lengths: number[] = [];
    const model = judge((_text, length) => {
      lengths.push(length);
      return { yes, no: 0.5 - yes };
    });
    const { rewards } = await run({ ...pair(), judge: model }, strategy([YES_OR_NO], 0.5));
    expect(lengths.length).toBe(3);
    expect(rowCount(rewards)).toBe(Number(lengths[2]) + inVain);
    expect(rewards.every((work) => work.model === 'judge')).toBe(true);
  });

  it('is refused where its labels are no single tokens, naming the model', async () => {
    const tokens = JUDGE_TOKENS.filter((token) => !['yes', 'no'].includes(token));
    const model = () => judge(() => ({}), { name: 'mute', tokens });
    const failed = run({ ...pair(), judge: model() }, strategy([YES_OR_NO], 0.5));
    await expect(failed).rejects.toMatchObject({
      code: 'capability-missing',
      message: expect.stringMatching(/mute as its judge model.*single tokens.*"yes", "no"/),
    });
    // It answers with other labels, if it has them.
    const other = judge(() => ({ '+': 0.3, ' +': 0.3, '-': 0.2 }), { tokens });
    const { scores } = await run(
      { ...pair(), judge: other },
      strategy([YES_OR_NO, PLUS_OR_MINUS], 0),
    );
    expect(scores[0]).toBeCloseTo(0.75, 6);
  });

  it('that gives no label any probability fails, and the value is named', async () => {
    const failed = run({ ...pair(), judge: judge(() => ({})) }, strategy([YES_OR_NO], 0.5));
    await expect(failed).rejects.toMatchObject({
      code: 'reward-invalid',
      message: 'judged gave a step the reward NaN, which is not a number from 0 to 1.',
    });
  });
});

describe('a process reward model', () => {
  it('reads the question and the steps with blank lines, where it has no token for the tag', async () => {
    const seen: string[] = [];
    const model = judge((text) => {
      seen.push(text);
      return { ' +': 0.6, ' -': 0.2 };
    });
    const { scores } = await run({ ...pair(), judge: model }, strategy([PLUS_OR_MINUS], 0, tagged));
    expect(scores).toEqual([0.75, 0.75, 0.75].map((score) => expect.closeTo(score, 6)));
    expect(seen).toEqual(['abaa\n\n', 'abaa\n\nab\n\n', 'abaa\n\nab\n\na\n\n']);
  });

  it('reads steps with the tag of Math-Shepherd, where that is a token', async () => {
    const seen: string[] = [];
    const tokens = [' ки', ...JUDGE_TOKENS];
    const labels = (text: string) => {
      seen.push(text);
      return { ' +': 0.5, ' -': 0.5 };
    };
    const model = judge(labels, { tokens });
    const { rewards } = await run(
      { ...pair(), judge: model },
      strategy([PLUS_OR_MINUS], 0, tagged),
    );
    expect(seen).toEqual(['abaa ки', 'abaa ки\nab ки', 'abaa ки\nab ки\na ки']);
    expect(rowCount(rewards)).toBe('abaa'.length + 1 + '\nab'.length + 1 + '\na'.length + 1);
  });
});

describe('the reward of a step', () => {
  it.each([Number.NaN, -0.1, 1.1, Number.POSITIVE_INFINITY])('is never %d', async (value) => {
    const broken = {
      ...{ name: 'broken', draftReads: {}, needs: {} },
      begin: () => ({ score: async () => value }),
    };
    const failed = run(pair(), rsd('broken', broken, 0.5));
    await expect(failed).rejects.toThrow(PilotfishError);
    await expect(run(pair(), rsd('broken', broken, 0.5))).rejects.toMatchObject({
      code: 'reward-invalid',
      fields: { reward: 'broken', value: String(value) },
    });
  });
});
