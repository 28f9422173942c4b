/** The steps of RSD on scripted models: where they end, which are judged, and what one seed writes. */
import { describe, expect, it } from 'vitest';
import type { TokenEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { SamplingParams } from '../../src/core/sampling-params.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { StepReward } from '../../src/judging/step-reward.ts';
import type { ForwardRequest } from '../../src/model/roles.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import type { Method } from '../../src/strategy/method.ts';
import { RSD_METHODS, rsd } from '../../src/strategy/rsd.ts';
import type { RsdOptions } from '../../src/strategy/rsd-options.ts';
import { parseSeparators } from '../../src/strategy/step-boundary.ts';
import { strategyValue } from '../../src/strategy/strategy-value.ts';
import { scriptedModel } from '../simulation/scripted-pair.ts';
import { collectEvents } from './collected-events.ts';

const SHAPE = { contextLength: 64, cellCount: 64 * 20, sequenceCountMax: 24, rowCountMax: 16 };
const ROOM = { contextLength: 64, cellCount: 64 * 8, sequenceCountMax: 8 };
const [FIRST] = RSD_METHODS;

/** A method around a reward of a test. */
function methodOf(reward: StepReward, delta: number, options: RsdOptions = {}): Method {
  return {
    ...required(FIRST, 'there is a method'),
    name: 'toy',
    build: () => rsd('toy', reward, delta, options),
  };
}

interface Answer {
  readonly tokens: readonly TokenEvent[];
  readonly text: string;
  readonly notes: readonly string[];
}

async function answerOf(
  engine: Engine,
  strategy: Method | string,
  {
    prompt = 'a',
    ...request
  }: {
    readonly prompt?: string;
    readonly maxTokens?: number;
    readonly seed?: number;
    readonly stop?: readonly string[];
    readonly sampling?: Partial<SamplingParams>;
  } = {},
): Promise<Answer> {
  const value = typeof strategy === 'string' ? strategy : strategyValue(strategy);
  const events = await collectEvents(engine.generate({ prompt, ...request, strategy: value }));
  await engine.checkIdle();
  const tokens = events.filter((event): event is TokenEvent => event.type === 'token');
  const end = events.at(-1);
  return {
    tokens,
    text: tokens.map(({ text }) => text).join(''),
    notes: end?.type === 'summary' ? end.notes : [],
  };
}

/** A reward by the text of a step. @param seen gets the texts */
function byText(tokens: readonly string[], reward: (text: string) => number, seen: string[] = []) {
  return {
    name: 'toy',
    draftReads: {},
    needs: {},
    begin: () => ({
      score: async ({ rows }) => {
        const text = rows.map(({ tokenId }) => tokens[tokenId]).join('');
        seen.push(text);
        return reward(text);
      },
    }),
  } satisfies StepReward;
}

const TOKENS = ['a', 'b', '\n\n', '\n', '. ', ''];
const END = 5;

/** A model that writes one token after another of a script, and then its last for ever. */
function writer(script: readonly number[]): ScriptedModel {
  return new ScriptedModel({
    ...{ ...ROOM, tokens: TOKENS, endOfGeneration: [END] },
    next: ({ length }) => {
      const wanted = script[Math.min(length, script.length) - 1];
      return TOKENS.map((_, id) => Number(id === wanted));
    },
  });
}

/** The small model writes `small`, the large one `large`, each place by place. */
function engineOf(small: readonly number[], large: readonly number[] = small): Engine {
  return new Engine({ models: { small: writer(small), large: writer(large) } });
}

const originsOf = ({ tokens }: Answer): string =>
  tokens.map(({ origin }) => origin.charAt(0)).join('');

describe('a step', () => {
  it('ends with its separator, which is neither doubled nor lost', async () => {
    const seen: string[] = [];
    await using engine = engineOf([0, 2, 1, 1, 2, 0, END], [1, 2, 1, 1, 2, 0, END]);
    const small = await answerOf(
      engine,
      methodOf(
        byText(TOKENS, () => 1, seen),
        0.5,
      ),
    );
    expect(seen).toEqual(['a\n\n', 'bb\n\n', 'a']);
    expect(small.text).toBe('a\n\nbb\n\na');
    const first = byText(TOKENS, (text) => Number(text !== 'a\n\n'));
    const mixed = await answerOf(engine, methodOf(first, 0.5));
    expect([mixed.text, originsOf(mixed)]).toEqual(['b\n\nbb\n\na', 'llsssss']);
  });

  it.each([
    ['newline', ['a\n\n', 'b\n', 'b. a']],
    ['sentence', ['a\n\nb\nb. ', 'a']],
    ['blank-line', ['a\n\n', 'b\nb. a']],
    ['\\n\\n', ['a\n\n', 'b\nb. a']],
    ['b\\nb', ['a\n\nb\nb', '. a']],
    ['\\\\n', ['a\n\nb\nb. a']],
  ])('ends where %j says', async (text, steps) => {
    const seen: string[] = [];
    const separators = parseSeparators(text);
    await using engine = engineOf([0, 2, 1, 3, 1, 4, 0, END]);
    const method = methodOf(
      byText(TOKENS, () => 1, seen),
      0.5,
      { separators },
    );
    await answerOf(engine, method);
    expect(seen).toEqual(steps);
  });

  it('is the whole answer where there is no separator, and is cut at the limit', async () => {
    const seen: string[] = [];
    await using engine = engineOf([0, 1, 0, 1, 1, END]);
    const method = (options: RsdOptions) =>
      methodOf(
        byText(TOKENS, () => 1, seen),
        0.5,
        options,
      );
    expect((await answerOf(engine, method({}))).notes).toEqual([]);
    const cut = await answerOf(engine, method({ stepTokenCountMax: 2 }));
    expect(seen).toEqual(['ababb', 'ab', 'ab', 'b']);
    expect(cut.notes).toEqual(['drafts that did not end within 2 tokens, and were cut there: 2']);
    await using endless = engineOf([0]);
    const answer = await answerOf(
      endless,
      methodOf(
        byText(TOKENS, (step) => step.length / 10),
        0.5,
        { stepTokenCountMax: 5 },
      ),
      { maxTokens: 12 },
    );
    // The third step, which would be like the two before it, is the answer's rest, and is shorter.
    expect(originsOf(answer)).toBe('ssssssssssll');
  });

  it('is not judged after the maximum: the small model writes the rest', async () => {
    const seen: string[] = [];
    await using engine = engineOf([0, 2, 1, 2, 0, 0, 2, END], [1, 2, 1, 2, 1, 1, 2, END]);
    const method = methodOf(
      byText(TOKENS, () => 0, seen),
      0.5,
      { stepCountMax: 1 },
    );
    const answer = await answerOf(engine, method);
    expect(seen).toEqual(['a\n\n']);
    expect(originsOf(answer)).toBe('llssssss');
    expect(answer.text).toBe('b\n\nb\n\naa\n\n');
    expect(answer.notes).toEqual([
      'after step 1 nothing was judged: the small model wrote the rest',
    ]);
  });
});

describe('a step that repeats the two before it', () => {
  const LOOP = [0, 2, 0, 2, 0, 2, 0, 2, 0, 2];
  const OTHER = [0, 2, 0, 2, 1, 2, 1, 2, END];

  it('has the reward 0, so the large model writes it', async () => {
    const seen: string[] = [];
    await using engine = engineOf(LOOP, OTHER);
    const always = byText(TOKENS, () => 1, seen);
    const answer = await answerOf(engine, methodOf(always, 0.5), { maxTokens: 10 });
    expect(answer.text).toBe('a\n\na\n\nb\n\na\n\na\n\n');
    expect(originsOf(answer)).toBe('ssssllssss');
    // It is not judged.
    expect(seen).toHaveLength(4);
    expect(answer.notes).toContain(
      'drafts that repeated the two steps before them, and so had the reward 0: 1',
    );
    // What accepts every reward accepts it, too.
    const small = await answerOf(engine, 'small', { maxTokens: 10 });
    expect((await answerOf(engine, methodOf(always, 0), { maxTokens: 10 })).text).toBe(small.text);
  });

  it('may be empty: a blank line is a step', async () => {
    await using engine = engineOf([2, 2, 2, 2, END], [0, 0, 0, 2, END]);
    const answer = await answerOf(
      engine,
      methodOf(
        byText(TOKENS, () => 1),
        0.5,
      ),
    );
    expect(answer.text).toBe('\n\n\n\na\n\n');
    expect(originsOf(answer)).toBe('sslls');
  });
});

describe('a reward', () => {
  it('equal to the threshold is accepted', async () => {
    await using engine = engineOf([0, 2, END], [1, 2, END]);
    for (const [reward, text] of [
      [0.7, 'a\n\n'],
      [0.7 - Number.EPSILON, 'b\n\n'],
    ] as const) {
      const method = methodOf(
        byText(TOKENS, (step) => (step === '' ? 1 : reward)),
        0.7,
      );
      expect((await answerOf(engine, method)).text).toBe(text);
    }
  });
});

/** On the pair whose rows depend on the whole text before. */
describe('one seed', () => {
  const letters = [...'abcdefghijk', ''];
  const reward = byText(
    letters,
    (text) => ((text.length * 7 + (text.codePointAt(0) ?? 0)) % 10) / 10,
  );
  const limits: RsdOptions = { separators: ['b', 'f'], stepTokenCountMax: 4 };
  const engine = () =>
    new Engine({
      models: { small: scriptedModel('small', SHAPE), large: scriptedModel('large', SHAPE) },
    });

  it.each<[string, RsdOptions]>([
    ['alone', {}],
    ['with the best of drafts', { draftCount: 3 }],
    ['with corrections judged', { judgesCorrections: true }],
    ['with a maximum of steps', { stepCountMax: 2 }],
  ])('writes the text of one model at the ends of δ, %s', async (_, options) => {
    await using own = engine();
    for (const temperature of [0, 1]) {
      for (const seed of [1, 2, 3, 4]) {
        const request = { prompt: 'abc', maxTokens: 24, seed, sampling: { temperature } };
        const [small, large] = [
          await answerOf(own, 'small', request),
          await answerOf(own, 'large', request),
        ];
        const above = await answerOf(
          own,
          methodOf(reward, 1.01, { ...limits, ...options }),
          request,
        );
        expect(above.text).toBe(large.text);
        // The best of several drafts is not the first one.
        if ((options.draftCount ?? 1) > 1) continue;
        const below = await answerOf(own, methodOf(reward, 0, { ...limits, ...options }), request);
        expect(below.text).toBe(small.text);
      }
    }
  });

  it('repeats its text, whatever ran before and beside it', async () => {
    const method = methodOf(reward, 0.5, { ...limits, draftCount: 3 });
    const request = { prompt: 'abc', maxTokens: 24, seed: 5 };
    await using own = engine();
    const alone = await answerOf(own, method, request);
    const beside = await Promise.all(
      ['abc', 'kkk', 'abc'].map(async (prompt) => {
        const run = own.generate({ ...request, prompt, strategy: strategyValue(method) });
        return (await collectEvents(run)).flatMap((event) =>
          event.type === 'token' ? [event.text] : [],
        );
      }),
    );
    await own.checkIdle();
    expect([beside[0]?.join(''), beside[2]?.join('')]).toEqual([alone.text, alone.text]);
  });

  it('keeps the best of its drafts', async () => {
    await using own = engine();
    let betterCount = 0;
    for (const prompt of ['abc', 'bcd', 'cde', 'kkk', 'fgh']) {
      const request = { prompt, maxTokens: 1 };
      const scoreAt = async (draftCount: number): Promise<number> => {
        const method = methodOf(reward, -1, { ...limits, draftCount });
        const { tokens } = await answerOf(own, method, { ...request, maxTokens: 4 });
        return required(tokens[0]?.score, 'a step has a score');
      };
      const scores = [await scoreAt(1), await scoreAt(2), await scoreAt(8)];
      expect(scores).toEqual(scores.toSorted((a, b) => a - b));
      betterCount += Number((scores[2] ?? 0) > (scores[0] ?? 0));
    }
    expect(betterCount).toBeGreaterThan(2);
  });

  it('rejects a step at every higher threshold, too', async () => {
    await using own = engine();
    for (const seed of [1, 2, 3, 4, 5]) {
      const kept = [];
      for (const delta of [0.1, 0.3, 0.5, 0.7, 0.9]) {
        const method = methodOf(reward, delta, limits);
        const request = { prompt: 'bcd', maxTokens: 8, seed, sampling: { temperature: 1 } };
        const { tokens } = await answerOf(own, method, request);
        const first = required(tokens[0], 'a first step');
        // The first step is the same draft at every threshold.
        kept.push(first.origin === 'small');
        expect(first.origin === 'small').toBe((first.score ?? 0) >= delta);
      }
      expect(kept).toEqual(kept.toSorted((a, b) => Number(b) - Number(a)));
    }
  });
});

describe('drafts', () => {
  it('share the text that the small model has read', async () => {
    const forwards: number[] = [];
    const onForward = async ({ tokens }: ForwardRequest): Promise<void> => {
      forwards.push(tokens.length);
    };
    const models = {
      small: scriptedModel('small', { ...SHAPE, onForward }),
      large: scriptedModel('large', SHAPE),
    };
    await using engine = new Engine({ models });
    const letters = [...'abcdefghijk', ''];
    const method = methodOf(
      byText(letters, () => 1),
      0.5,
      {
        ...{ draftCount: 4, stepTokenCountMax: 3, separators: ['never'] },
      },
    );
    await answerOf(engine, method, { prompt: 'abcdefghij', maxTokens: 6 });
    // The prompt is read once, and then every draft reads token by token.
    const [prefill, ...others] = forwards;
    expect(prefill).toBe(9);
    expect(Math.max(...others)).toBeLessThanOrEqual(4);
  });

  it('that are certain to be rejected are ended early', async () => {
    const lengths = async (endsDraftsEarly: boolean): Promise<readonly [string, number]> => {
      let drafted = 0;
      const onForward = async (): Promise<void> => {
        drafted += 1;
      };
      const models = {
        small: scriptedModel('small', { ...SHAPE, onForward }),
        large: scriptedModel('large', SHAPE),
      };
      await using engine = new Engine({ models });
      const falling: StepReward = {
        ...byText([], () => 0),
        running: () => {
          let reward = 1;
          return () => {
            reward *= 0.8;
            return reward;
          };
        },
        begin: () => ({ score: async ({ rows }) => 0.8 ** rows.length }),
      };
      const limits = { stepTokenCountMax: 6, separators: ['never'], endsDraftsEarly };
      const answer = await answerOf(engine, methodOf(falling, 0.6, limits), {
        ...{ prompt: 'bcd', maxTokens: 18 },
      });
      const { text, notes } = answer;
      expect(originsOf(answer)).toBe('l'.repeat(18));
      expect(notes.includes('drafts that were ended early: 3')).toBe(endsDraftsEarly);
      return [text, drafted];
    };
    const [text, drafted] = await lengths(true);
    const [whole, wholeDrafted] = await lengths(false);
    expect(text).toBe(whole);
    // 0.8³ is below 0.6, so three of six tokens suffice.
    expect(wholeDrafted - drafted).toBe(9);
  });
});

describe('options', () => {
  it.each<[RsdOptions, string]>([
    [{ draftCount: 0 }, 'draftCount is 0, not an integer from 1 to 16.'],
    [{ draftCount: 17 }, 'draftCount is 17'],
    [{ stepTokenCountMax: 0 }, 'stepTokenCountMax is 0, not an integer from 1 up.'],
    [{ stepCountMax: 1.5 }, 'stepCountMax is 1.5'],
    [{ separators: [] }, 'There are 0 separators of steps.'],
    [{ separators: ['\n', ''] }, 'The separators of steps include "".'],
    [{ weighting: 'linear' as never }, 'There is no weighting "linear".'],
    [{ endsDraftsEarly: true }, 'toy cannot end drafts early'],
  ])('that make no sense are refused: %j', (options, message) => {
    expect(() =>
      methodOf(
        byText([], () => 1),
        0.5,
        options,
      ).build(strategyValue(RSD_METHODS[0] as Method), {}),
    ).toThrow(
      expect.objectContaining({
        code: 'option-invalid',
        message: expect.stringContaining(message),
      }),
    );
  });

  it.each([
    ['', 'The separators of steps include "".'],
    ['newlin', 'There is no style of steps "newlin".'],
    ['\\x', 'A separator has "\\x", which is no escape.'],
    ['a\\', 'A separator has "\\", which is no escape.'],
    ['X'.repeat(65), 'The separators of steps include "XXX'],
  ])('are no separators: %j', (text, message) => {
    expect(() => parseSeparators(text)).toThrow(
      expect.objectContaining({
        code: 'option-invalid',
        message: expect.stringContaining(message),
      }),
    );
  });
});

/** Steps are text of the answer: a stop string within one ends it. */
it('ends with a stop string in a step, drafted or corrected', async () => {
  await using engine = engineOf([0, 1, 0, 2, END], [1, 1, 0, 2, END]);
  for (const [delta, text] of [
    [0.5, 'a'],
    [0.95, ''],
  ] as const) {
    const method = methodOf(
      byText(TOKENS, () => 0.9),
      delta,
    );
    const answer = await answerOf(engine, method, { stop: ['b'] });
    expect(answer.text).toBe(text);
  }
});
