/**
 * Methods that choose among samples of the small model, on scripted models: each sample is the text of
 * an independent request, and the choice is the one that the rule names.
 */
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { seedOfDraw } from '../../src/core/noise.ts';
import { type TokenId, tokenId } from '../../src/core/token-id.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { StepReward } from '../../src/judging/step-reward.ts';
import { bestOfN } from '../../src/strategy/best-of-n.ts';
import { lastNumberOrLine, vote } from '../../src/strategy/final-answer.ts';
import { hgsPrm } from '../../src/strategy/hgs-prm.ts';
import { majorityMethod } from '../../src/strategy/majority.ts';
import type { Method } from '../../src/strategy/method.ts';
import { SAMPLE_COUNT_MAX, type SampleOptions } from '../../src/strategy/samples.ts';
import type { Strategy } from '../../src/strategy/strategy.ts';
import { strategyValue } from '../../src/strategy/strategy-value.ts';
import { scriptedModel } from '../simulation/scripted-pair.ts';
import { collectEvents, tokenIdsOf } from './collected-events.ts';

const MAX_TOKENS = 12;
const SHAPE = { contextLength: 64, cellCount: 64 * 40, sequenceCountMax: 40, rowCountMax: 16 };
const SEEDS = [0, 1, 2, 3, 4, 5, 6, 7];
/** Another text for each seed: greedy answers do not depend on the seed. */
const promptOf = (seed: number): string => `abc${'abcdefghijk'[seed]}b`;
const TEMPERATURE = 0.7;

function engineOf(samples: SampleOptions = {}): Engine {
  const models = { small: scriptedModel('small', SHAPE), large: scriptedModel('large', SHAPE) };
  return new Engine({ models, samples });
}

/** A method around a strategy of a test. */
function methodOf(strategy: Strategy): Method {
  return { ...majorityMethod, name: strategy.name, build: () => strategy };
}

async function tokensOf(
  strategy: Method | string,
  request: GenerateRequest & { readonly promptSeed?: number },
  engine: Engine = engineOf(),
): Promise<readonly number[]> {
  const value = typeof strategy === 'string' ? strategy : strategyValue(strategy);
  const { promptSeed = request.seed ?? 0, ...rest } = request;
  const asked = { prompt: promptOf(promptSeed), maxTokens: MAX_TOKENS, ...rest, strategy: value };
  const tokens = tokenIdsOf(await collectEvents(engine.generate(asked)));
  await engine.checkIdle();
  return tokens;
}

/** The samples by themselves: the first is the request's own, the others have seeds of their own. */
async function samplesOf(
  count: number,
  { seed = 0, sampling = {} }: GenerateRequest,
): Promise<readonly (readonly number[])[]> {
  const { temperature = 0 } = sampling;
  const drawn = { ...sampling, temperature: temperature === 0 ? TEMPERATURE : temperature };
  const samples = [await tokensOf('small', { seed, sampling })];
  for (let index = 1; index < count; index += 1) {
    const own = { seed: seedOfDraw(seed, index + 1), promptSeed: seed, sampling: drawn };
    samples.push(await tokensOf('small', own));
  }
  return samples;
}

describe.each([0, 1])('at temperature %d', (temperature) => {
  const sampling = { temperature };

  it('one sample is the text of the small model', async () => {
    for (const seed of SEEDS) {
      const request = { seed, sampling };
      const alone = await tokensOf('small', request);
      expect(await tokensOf('majority', request, engineOf({ count: 1 }))).toEqual(alone);
      for (const strategy of [
        bestOfN('best', parity([]), { samples: { count: 1 } }),
        hgsPrm('search', parity([]), 0.5, { samples: { count: 1 } }),
        hgsPrm('search', parity([]), 0, { samples: { count: 5 } }),
      ]) {
        expect(await tokensOf(methodOf(strategy), request)).toEqual(alone);
      }
    }
  });

  it('the most frequent final answer wins, the earliest of several', async () => {
    let lateCount = 0;
    for (const seed of SEEDS) {
      const request = { seed, sampling };
      const samples = await samplesOf(7, request);
      // The final answer of a text of letters: its last letter.
      const finalAnswer = (text: string): string | null => text.at(-1) ?? null;
      const engine = engineOf({ count: 7, temperature: TEMPERATURE });
      const letters = samples.map((tokens) => tokens.filter((id) => id < 11).at(-1) ?? null);
      const { index } = vote(letters.map((id) => (id === null ? null : String(id))));
      lateCount += Number(index > 0);
      expect(await tokensOf('majority', { ...request, finalAnswer }, engine)).toEqual(
        samples[index],
      );
    }
    expect(lateCount).toBeGreaterThan(1);
  });

  it.each([undefined, 1])(
    'the answer with the best worst step of the judged ones wins (%s)',
    async (stepCountMax) => {
      let lateCount = 0;
      for (const seed of SEEDS) {
        const samples = await samplesOf(6, { seed, sampling });
        const limits = { stepTokenCountMax: 4, separators: ['b'], stepCountMax };
        const seen: string[] = [];
        const strategy = bestOfN('best', parity(seen), { ...limits, samples: { count: 6 } });
        const worst = samples.map((tokens) =>
          Math.min(...stepsOf(tokens).slice(0, stepCountMax).map(parityOf)),
        );
        const best = worst.indexOf(Math.max(...worst));
        lateCount += Number(best > 0);
        expect(await tokensOf(methodOf(strategy), { seed, sampling })).toEqual(samples[best]);
        const all = new Set(samples.flatMap((tokens) => stepsOf(tokens).map(String)));
        expect([...all]).toEqual(expect.arrayContaining(seen));
      }
      expect(lateCount).toBeGreaterThan(1);
    },
  );
});

describe('the search', () => {
  it('goes on after steps that reach δ, else with the best try, and returns where none does', async () => {
    let [returnCount, lowCount] = [0, 0];
    for (const seed of SEEDS) {
      const scored: { readonly before: string; readonly step: string; readonly score: number }[] =
        [];
      const reward: StepReward = {
        ...parity([]),
        begin: () => ({
          score: async ({ text, rows }) => {
            const step = rows.map(({ tokenId: id }) => id);
            const before = text.slice(0, text.length - rows.length).join(' ');
            const score = parityOf([...text]);
            scored.push({ before, step: step.join(' '), score });
            return score;
          },
        }),
      };
      const options = { samples: { count: 3 }, separators: ['b'], stepTokenCountMax: 3 };
      const strategy = hgsPrm('search', reward, 0.7, options);
      const engine = engineOf();
      const request = { prompt: promptOf(seed), maxTokens: 2 * MAX_TOKENS, seed };
      const run = engine.generate({ ...request, strategy: strategyValue(methodOf(strategy)) });
      const events = await collectEvents(run);
      await engine.checkIdle();
      const steps = stepsIn(events);
      let before = promptOf(seed)
        .split('')
        .map((letter) => 'abcdefghijk'.indexOf(letter));
      for (const { tokens, score } of steps) {
        const tries = scored.filter((one) => one.before === before.join(' '));
        expect(tries.length).toBeLessThanOrEqual(3);
        if (score < 0.7) {
          lowCount += 1;
          expect(score).toBe(Math.max(...tries.map((one) => one.score)));
        }
        before = [...before, ...tokens];
      }
      const summary = events.at(-1);
      const [note = ''] = summary?.type === 'summary' ? summary.notes : [];
      const [, tried, returned] = /^(\d+) steps tried, (\d+) returns/.exec(note) ?? [];
      // Equal tries are scored once.
      expect(Number(tried)).toBeGreaterThanOrEqual(scored.length);
      const places = scored.map((one) => `${one.before}: ${one.step}`);
      expect(new Set(places).size).toBe(places.length);
      expect(Number(returned)).toBeLessThanOrEqual(3);
      returnCount += Number(returned);
    }
    expect(returnCount).toBeGreaterThan(5);
    expect(lowCount).toBeGreaterThan(3);
  });
});

describe('a final answer', () => {
  it.each([
    ['So 3 + 4 = 7.', '7'],
    ['1,234.50 dollars', '1234.5'],
    ['from 3 to −12', '-12'],
    ['Yes.\nNo.\n\n', 'No.'],
    ['  \n', null],
    ['', null],
  ])('of %j is %j', (text, final) => {
    expect(lastNumberOrLine(text)).toBe(final);
  });

  it('wins by votes, and texts without one have none', () => {
    expect(vote(['1', '2', '2', '1', '3'])).toEqual({ index: 0, voteCount: 2 });
    expect(vote(['1', '2', '2'])).toEqual({ index: 1, voteCount: 2 });
    expect(vote([null, null, '2'])).toEqual({ index: 2, voteCount: 1 });
    expect(vote([null, null])).toEqual({ index: 0, voteCount: 0 });
  });
});

it('refuses numbers of samples and temperatures that make no sense', async () => {
  for (const [samples, message] of [
    [{ count: 0 }, 'samples is 0, not an integer from 1 to 64.'],
    [{ count: 65 }, 'samples is 65'],
    [{ count: 1.5 }, 'samples is 1.5'],
    [{ temperature: 0 }, 'sampleTemperature is 0, not a number above 0'],
    [{ temperature: Number.NaN }, 'sampleTemperature is NaN'],
  ] as const) {
    await expect(tokensOf('majority', {}, engineOf(samples))).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringContaining(message),
    });
  }
  expect(SAMPLE_COUNT_MAX).toBe(64);
});

/** A reward that depends on the tokens of a step alone. @param seen gets the steps that were scored */
function parity(seen: string[]): StepReward {
  return {
    name: 'parity',
    draftReads: {},
    needs: {},
    begin: () => ({
      score: async ({ rows }) => {
        const step = rows.map(({ tokenId: id }) => id);
        seen.push(String(step));
        return parityOf(step);
      },
    }),
  };
}

function parityOf(step: readonly number[]): number {
  return ((step.reduce((sum, id) => sum * 5 + id + 1, 0) * 7) % 13) / 12;
}

/** Steps of at most 4 tokens, up to a "b". */
function stepsOf(tokens: readonly number[]): readonly (readonly number[])[] {
  const steps: number[][] = [[]];
  for (const id of tokens) {
    const last = required(steps.at(-1), 'there is one');
    if (last.length === 4 || last.at(-1) === tokenId(1)) steps.push([id]);
    else last.push(id);
  }
  return steps;
}

interface ScoredStep {
  readonly tokens: readonly TokenId[];
  readonly score: number;
}

/** The steps of an answer of the search: up to a "b" or three tokens. */
function stepsIn(events: Awaited<ReturnType<typeof collectEvents>>): readonly ScoredStep[] {
  const steps: { tokens: TokenId[]; score: number }[] = [];
  for (const event of events) {
    if (event.type !== 'token') continue;
    const last = steps.at(-1);
    const score = required(event.score, 'every step was scored');
    const isOver = last === undefined || last.tokens.length === 3 || last.tokens.at(-1) === 1;
    if (isOver) steps.push({ tokens: [event.tokenId], score });
    else last.tokens.push(event.tokenId);
  }
  return steps;
}
