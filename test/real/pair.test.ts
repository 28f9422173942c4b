/** The default pair, end to end: identities, accounting, losslessness up to counted near-ties. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foldRunCost } from '../../src/accounting/run-cost.ts';
import type { EngineEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import { labelledModel } from '../../src/core/model-id.ts';
import type { SamplingParams } from '../../src/core/sampling-params.ts';
import { Engine } from '../../src/engine/engine.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { teacherForce } from '../../src/testing/teacher-force.ts';
import { hasPair, IS_SLICE, LARGE, LOGIT_NOISE, realModel, run, SMALL } from './real-models.ts';

const QUESTION = 'Natalia sold 48 clips in April and half as many in May. How many in all?';
const MAX_TOKENS = IS_SLICE ? 16 : 40;
const SAMPLINGS: Readonly<Record<string, Partial<SamplingParams>>> = {
  greedy: {},
  sampled: { temperature: 0.8 },
};
const SEED = 7;

const isHere = await hasPair();
if (!isHere) process.stderr.write('SKIPPED: the default pair is not on this machine\n');

let small: LlamaCppModel;
let large: LlamaCppModel;
let engine: Engine;

function ask(
  sampling: Partial<SamplingParams>,
  strategy: string,
): Parameters<Engine['generate']>[0] {
  const messages = [{ role: 'user' as const, content: QUESTION }];
  return { messages, strategy, sampling, seed: SEED, maxTokens: MAX_TOKENS };
}

beforeAll(async () => {
  if (!isHere) return;
  small = await loadModel(await realModel(SMALL), { name: SMALL, contextLength: 1024 });
  large = await loadModel(await realModel(LARGE), { name: LARGE, contextLength: 1024 });
  engine = new Engine({
    models: { small, large },
    speculative: { proposer: 'small', draftLength: 3 },
  });
});
afterAll(async () => {
  if (isHere) await engine[Symbol.asyncDispose]();
});

describe.skipIf(!isHere).each(Object.entries(SAMPLINGS))('the real pair, %s', (_name, sampling) => {
  it.each([
    ['small', ['entropy@99', 'margin@-1', 'random@0']],
    ['large', ['entropy@-1', 'margin@2', 'random@1']],
  ])('gates at the end of their range write the text of %s', async (alone, gates) => {
    const own = await run(engine, ask(sampling, alone));
    for (const gate of gates) {
      const routed = await run(engine, ask(sampling, gate));
      expect(routed.ids, gate).toEqual(own.ids);
      expect(routed.summary.text, gate).toBe(own.summary.text);
    }
  });

  it('speculative writes the text of large, up to near-ties', async () => {
    const drafted = await run(engine, ask(sampling, 'speculative'));
    const { vocabulary } = large;
    const prompt = vocabulary.tokenize(
      vocabulary.renderChat([{ role: 'user', content: QUESTION }]),
    );
    const forced = await teacherForce(large, prompt, drafted.ids, { sampling, seed: SEED });
    process.stderr.write(
      `speculative: ${drafted.summary.notes.join('; ')}; ${forced.otherCount} of ` +
        `${drafted.ids.length} tokens decided otherwise, worst gap ${forced.worstGap.toFixed(3)}\n`,
    );
    expect(drafted.tokens.filter((token) => token.verified).length).toBeGreaterThan(5);
    expect(forced.worstGap).toBeLessThan(LOGIT_NOISE);
    expect(forced.otherCount).toBeLessThan(drafted.ids.length / 5);
  });
});

describe.skipIf(!isHere)('the accounting of the real pair', () => {
  it('folds to the summary, and places mixes between the models', async () => {
    const { events, summary } = await run(engine, ask({}, 'random@0.5'));
    const start = required(
      events.find((event): event is EngineEvent & { type: 'start' } => event.type === 'start'),
      'a log starts',
    );
    expect(summary).toMatchObject({ ...foldRunCost(start, events) });
    expect(summary.largeShare).toBeGreaterThan(0);
    expect(summary.largeShare).toBeLessThan(1);
    // The numbers of parameters follow from tensor shapes: 0.49 and 1.54 billion.
    const parameterCount = (label: 'small' | 'large'): number => {
      const { body, outputHead } = labelledModel(start, label).parameterCounts;
      return body + outputHead;
    };
    expect(parameterCount('small')).toBe(494_032_768);
    expect(parameterCount('large')).toBe(1_543_714_304);
  });
});
