/** An evaluation on the pocket pair, as the command runs it: models from this package, files, waves. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Evaluated, type EvaluateOptions, evaluate } from '../../src/app/evaluate.ts';
import { pocketEvaluation, QUESTION_COUNT } from './pocket-evaluation.ts';

let base: string;
let first: Evaluated;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-pocket-'));
  first = await evaluate(asked('first', { liveCheckCount: 8 }));
});
afterAll(() => rm(base, { recursive: true, force: true }));

const asked = (name: string, options: Partial<EvaluateOptions> = {}): EvaluateOptions =>
  pocketEvaluation(base, name, options);

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

  it('writes its result beside the answers', async () => {
    expect(first.path).toBe(join(base, 'first', 'result.json'));
    expect(JSON.parse(await readFile(first.path, 'utf8'))).toEqual(first.result);
  });

  it('has written the result when the live check is cut short', async () => {
    const controller = new AbortController();
    await rm(first.path);
    const stopped = evaluate({
      ...asked('first', { liveCheckCount: 8, signal: controller.signal }),
      onProgress: ({ label }) => {
        if (label.startsWith('Answering again')) controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(JSON.parse(await readFile(first.path, 'utf8'))).toEqual(first.result);
  });

  it('gives mostly the same answers when nothing is remembered', () => {
    const { liveCheck } = first;
    expect(liveCheck?.count).toBe(8);
    expect(liveCheck?.sameCount).toBeGreaterThanOrEqual(6);
    expect(liveCheck?.sameGradeCount).toBeGreaterThanOrEqual(7);
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
