/** An evaluation on the pocket pair, as the command runs it: models from this package, files, waves. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Evaluated, type EvaluateOptions, evaluate } from '../../src/app/evaluate.ts';

const QUESTION_COUNT = 6;

let base: string;
let home: string;
let first: Evaluated;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-pocket-'));
  home = join(base, 'home');
  first = await evaluate(asked('first', { liveCheckCount: 8 }));
});
afterAll(() => rm(base, { recursive: true, force: true }));

function asked(name: string, options: Partial<EvaluateOptions> = {}): EvaluateOptions {
  return {
    ...{ pair: 'pocket', task: 'pocket', count: QUESTION_COUNT, home, offline: true },
    ...{ strategies: ['entropy', 'random', 'cascade'], shares: [0.2], seedCount: 1 },
    ...{ maxTokens: 160, waveSize: 4, threadCount: 1, keepsRows: false },
    ...{ folder: join(base, name), ...options },
  };
}

describe('an evaluation of the pocket pair', () => {
  it('finds both models, and what lies between', () => {
    const { results, models, questionCount } = first.result;
    expect(questionCount).toBe(QUESTION_COUNT);
    expect([models.small.name, models.large.name]).toEqual(['pocket-small', 'pocket-large']);
    expect(results).toHaveLength(2 + 3);
    const [small, large, ...others] = results;
    expect(large?.accuracy).toBeGreaterThan(small?.accuracy ?? 1);
    for (const { strategy, largeShare } of others) {
      expect(largeShare, strategy).toBeGreaterThan(0);
      expect(largeShare, strategy).toBeLessThan(1);
    }
    expect(first.rowCounts.known).toBeGreaterThan(0);
  });

  it('comes out the same in every folder', async () => {
    const again = await evaluate(asked('again'));
    expect(again.result).toEqual(first.result);
    expect(again.rowCounts.computed).toBe(first.rowCounts.computed);
    // Nobody asked for rows to be kept.
    expect((await readdir(base)).sort()).toEqual(['again', 'first']);
  });

  it('gives mostly the same answers when nothing is remembered', () => {
    const { liveCheck } = first;
    expect(liveCheck?.count).toBe(8);
    expect(liveCheck?.sameCount).toBeGreaterThanOrEqual(6);
    expect(liveCheck?.sameGradeCount).toBeGreaterThanOrEqual(7);
  });

  it('goes on where it was stopped, to the same digit, and asks nothing again', async () => {
    const plan = { strategies: ['entropy'], shares: [0.1, 0.4], keepsRows: true };
    const ofItsOwn = (name: string) => ({ ...plan, home: join(base, `home of ${name}`) });
    const whole = await evaluate(asked('whole', ofItsOwn('whole')));
    for (const [name, doneCount] of [
      ['early', 1],
      ['late', 9],
    ] as const) {
      const controller = new AbortController();
      const options = asked(name, ofItsOwn(name));
      const stopped = evaluate({
        ...{ ...options, signal: controller.signal },
        onProgress: ({ label, done }) => {
          if (label.startsWith('Answering with every') && done >= doneCount) controller.abort();
        },
      });
      await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
      const rest = await evaluate(options);
      expect(rest.result, name).toEqual(whole.result);
      expect(rest.rowCounts.computed).toBeLessThan(whole.rowCounts.computed);
    }
    const nothing = await evaluate(asked('late', ofItsOwn('late')));
    expect(nothing.rowCounts).toEqual({ known: 0, computed: 0 });
    const remembered = await evaluate(asked('remembered', ofItsOwn('whole')));
    expect(remembered.result).toEqual(whole.result);
    expect(remembered.rowCounts.computed).toBe(0);
  });

  it('can be screened', async () => {
    const { result } = await evaluate(asked('first', { screenShare: 0.25 }));
    expect(result.isScreened).toBe(true);
    const accuracies = (of: typeof result) => of.results.map(({ accuracy }) => accuracy.toFixed(9));
    // So few questions are all chosen.
    expect(accuracies(result)).toEqual(accuracies(first.result));
  });

  it('is refused in a folder that holds longer answers', async () => {
    await expect(evaluate(asked('first', { maxTokens: 150 }))).rejects.toMatchObject({
      code: 'evaluation-invalid',
      message: expect.stringContaining('with maxTokens 160; this one has 150'),
    });
  });
});
