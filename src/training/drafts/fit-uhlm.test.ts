import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PilotfishError } from '../../core/errors.ts';
import type { TokenId } from '../../core/token-id.ts';
import { questionNumber } from '../../evaluation/question-key.ts';
import { ScriptedModel, type ScriptedModelOptions } from '../../model/scripted/scripted-model.ts';
import { MAX_TOKENS, promptOf, questionOf } from '../fakes/number-world.ts';
import { TrainingPair } from '../training-pair.ts';
import { type FitUhlmOptions, fitUhlm } from './fit-uhlm.ts';
import { observeDrafts } from './observe-drafts.ts';

const ASKED = Array.from({ length: 40 }, (_, index) => ({
  question: questionOf(index),
  prompt: promptOf(index),
}));

const TOKENS = ['; 1', '; 2', '; 3', '; 4', ''];
const END = TOKENS.length - 1;

/** The small model is sure of half of the tokens, and errs where it is not. */
function nextOf(role: 'small' | 'large'): (prefix: readonly TokenId[]) => readonly number[] {
  return (prefix) => {
    const hash = prefix.reduce((sum, token) => (sum * 37 + token + 3) % 1_000_003, 11);
    const isSure = (hash >> 4) % 2 === 0;
    const shift = role === 'large' && !isSure ? 1 : 0;
    const best = hash % 7 === 0 ? END : ((hash >> 2) + shift) % END;
    const most = isSure ? 0.94 : role === 'large' ? 0.8 : 0.45;
    return TOKENS.map((_, id) => (id === best ? most : (1 - most) / (TOKENS.length - 1)));
  };
}

interface World {
  readonly pair: TrainingPair;
  fedCount(): number;
  openCount(): number;
}

function worldOf(onForward: ScriptedModelOptions['onForward'] = async () => {}): World {
  let fedCount = 0;
  const model = (role: 'small' | 'large'): ScriptedModel =>
    new ScriptedModel({
      ...{ name: role, tokens: TOKENS, endOfGeneration: [END], next: nextOf(role) },
      ...{ contextLength: 64, cellCount: 100_000, sequenceCountMax: 1000, rowCountMax: 8 },
      onForward: async (request, signal) => {
        fedCount += request.tokens.length;
        await onForward(request, signal);
      },
    });
  const models = { small: model('small'), large: model('large') };
  return {
    pair: new TrainingPair(models),
    fedCount: () => fedCount,
    openCount: () => models.small.sequenceCount + models.large.sequenceCount,
  };
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-fit-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function fitting(world: World, changes: Partial<FitUhlmOptions> = {}): FitUhlmOptions {
  return {
    ...{ pair: world.pair, folder, asked: ASKED, maxTokens: MAX_TOKENS, waveSize: 4 },
    ...{ temperature: 1, seed: 1, toleratedRejection: 0.5, truncationError: 0.1 },
    boundTo: { small: { name: 's', digest: '5' }, large: { name: 'l', digest: '6' } },
    facts: { seed: 1 },
    ...changes,
  };
}

describe('a fit', () => {
  it('rests on the pair: every draft has the rejection that the tables of both models give', async () => {
    const world = worldOf();
    const all = await observeDrafts(ASKED, fitting(world));
    expect(all).toHaveLength(ASKED.length);
    // The first draft of an answer follows its prompt.
    for (const [index, drafts] of all.entries()) {
      const [x, y] = [nextOf('small')(promptOf(index)), nextOf('large')(promptOf(index))];
      const total = y.reduce((sum, one) => sum + one, 0);
      const betas = x.map((own, id) => Math.max(0, 1 - (y[id] ?? 0) / total / own));
      const beta = drafts[0]?.rejection ?? -1;
      expect(Math.min(...betas.map((one) => Math.abs(one - beta)))).toBeLessThan(1e-6);
      expect(drafts.length).toBeLessThanOrEqual(MAX_TOKENS);
    }
    expect(world.openCount()).toBe(0);
  });

  it('is stored with its pair, its temperature and its questions', async () => {
    const { fit, drafts } = await fitUhlm(fitting(worldOf(), { temperature: 0.8 }));
    expect(fit).toMatchObject({ strategy: 'uhlm', temperature: 0.8, training: { seed: 1 } });
    expect(fit.pair.small).toEqual({ name: 's', digest: '5' });
    expect(fit.trainedOn).toEqual(new Set(ASKED.map(({ question }) => questionNumber(question))));
    expect(fit.draftCount).toBe(drafts.length);
    expect(fit.law.slope).toBeGreaterThan(0);
  });

  it('draws nothing twice, and other drafts at another temperature or seed', async () => {
    const world = worldOf();
    const first = await fitUhlm(fitting(world));
    const fed = world.fedCount();
    const second = await fitUhlm(fitting(world, { toleratedRejection: 0.3 }));
    expect(world.fedCount()).toBe(fed);
    expect(second.drafts).toEqual(first.drafts);
    const cooler = await fitUhlm(fitting(world, { temperature: 0.5 }));
    const seeded = await fitUhlm(fitting(world, { seed: 2 }));
    expect(world.fedCount()).toBeGreaterThan(fed);
    for (const { drafts } of [cooler, seeded]) expect(drafts).not.toEqual(first.drafts);
  });

  it('goes on where it was stopped, and ends as if it had not been', async () => {
    const whole = await fitUhlm(fitting(worldOf()));
    await rm(join(folder, 'drafts.jsonl'));
    const stop = new AbortController();
    let forwardCount = 0;
    const slow = worldOf(async () => {
      forwardCount += 1;
      if (forwardCount === 150) stop.abort();
    });
    await expect(fitUhlm(fitting(slow, { signal: stop.signal }))).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(slow.openCount()).toBe(0);
    const kept = (await readFile(join(folder, 'drafts.jsonl'), 'utf8')).split('\n').length - 1;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(ASKED.length);
    const told: number[] = [];
    const resumed = await fitUhlm(
      fitting(worldOf(), { onProgress: ({ total }) => told.push(total ?? 0) }),
    );
    expect(told[0]).toBe(ASKED.length - kept);
    expect(resumed.bytes).toEqual(whole.bytes);
  });

  it('is greedy at temperature 0, whatever the seed: a draft is rejected or not', async () => {
    const world = worldOf();
    const { fit, drafts } = await fitUhlm(fitting(world, { temperature: 0 }));
    expect(new Set(drafts.map(({ rejection }) => rejection))).toEqual(new Set([0, 1]));
    expect([fit.temperature, fit.offlineTokenCount]).toEqual([0, null]);
    const fed = world.fedCount();
    await fitUhlm(fitting(world, { temperature: 0, seed: 9 }));
    expect(world.fedCount()).toBe(fed);
  });

  it('names a line of its store that is broken', async () => {
    await writeFile(join(folder, 'drafts.jsonl'), '{"key":"x","drafts":[{"uncertainty":2}]}\n');
    const error = await fitUhlm(fitting(worldOf())).catch((thrown: unknown) => thrown);
    expect(PilotfishError.isInstance(error) && [error.code, error.message]).toEqual([
      'training-invalid',
      expect.stringContaining('Line 1 of'),
    ]);
  });
});
