/** Repeated evaluations of the pocket pair: in other folders, interrupted, and resumed. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvaluateOptions, evaluate } from '../../src/app/evaluate.ts';
import { pocketEvaluation } from './pocket-evaluation.ts';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-pocket-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

const asked = (name: string, options: Partial<EvaluateOptions> = {}): EvaluateOptions =>
  pocketEvaluation(base, name, options);

describe('an evaluation of the pocket pair', () => {
  it('comes out the same in every folder', async () => {
    const first = await evaluate(asked('first'));
    const again = await evaluate(asked('again'));
    expect(again.result).toEqual(first.result);
    expect(again.rowCounts.computed).toBe(first.rowCounts.computed);
    // Without a home for rows none are kept.
    expect((await readdir(base)).sort()).toEqual(['again', 'first']);
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
});
