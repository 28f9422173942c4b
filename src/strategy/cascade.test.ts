import { describe, expect, it } from 'vitest';
import type { TokenEvent } from '../core/events.ts';
import type { ModelLabels } from '../core/model-id.ts';
import { Engine } from '../engine/engine.ts';
import { ScriptedModel } from '../model/scripted/scripted-model.ts';

const TOKENS = ['a', 'b', 'c', ''];
const END = 3;

/** Writes its token four times, then ends. `sure` is the probability of each written token. */
function writer(token: number, sure: number): ScriptedModel {
  return new ScriptedModel({
    tokens: TOKENS,
    endOfGeneration: [END],
    next: (prefix) => {
      const next = prefix.length >= 6 ? END : token;
      return TOKENS.map((_, id) => (id === next ? sure : (1 - sure) / 3));
    },
  });
}

async function answer(strategy: string, changes: { seed?: number; maxTokens?: number } = {}) {
  await using engine = new Engine({ models: { small: writer(0, 0.9), large: writer(1, 0.97) } });
  const tokens: TokenEvent[] = [];
  let text = '';
  let rows: Record<'small' | 'large', number | undefined> = { small: 0, large: 0 };
  let labels: ModelLabels = {};
  for await (const event of engine.generate({ prompt: 'cc', strategy, ...changes })) {
    if (event.type === 'token') tokens.push(event);
    if (event.type === 'start') labels = event.labels;
    if (event.type !== 'summary') continue;
    text = event.text;
    const [small, large] = [labels.small, labels.large].map((id) => event.models[id ?? '']);
    rows = { small: small?.outputRowCount, large: large?.outputRowCount };
  }
  return { tokens, text, rows };
}

/** The entropy of a row of `writer(0, 0.9)`, in nats. */
const ENTROPY = -(0.9 * Math.log(0.9) + 3 * (0.1 / 3) * Math.log(0.1 / 3));

describe('a cascade', () => {
  it('keeps a sure answer of the small model without calling the large one', async () => {
    const { tokens, text, rows } = await answer(`cascade@${ENTROPY + 1e-6}`);
    expect(text).toBe('aaaa');
    expect(new Set(tokens.map(({ origin }) => origin))).toEqual(new Set(['small']));
    for (const { score } of tokens) expect(score).toBeCloseTo(ENTROPY, 6);
    expect(rows).toEqual({ small: 5, large: 0 });
  });

  it('has the large model answer anew, and counts both answers', async () => {
    const { tokens, text, rows } = await answer(`cascade@${ENTROPY - 1e-6}`);
    expect(text).toBe('bbbb');
    expect(new Set(tokens.map(({ origin }) => origin))).toEqual(new Set(['large']));
    expect(rows).toEqual({ small: 5, large: 5 });
  });

  it('ends at the limit under either model', async () => {
    expect((await answer('cascade@9', { maxTokens: 2 })).text).toBe('aa');
    expect((await answer('cascade@-1', { maxTokens: 2 })).text).toBe('bb');
    expect((await answer('cascade@-1', { maxTokens: 2 })).rows).toEqual({ small: 2, large: 2 });
  });
});

describe('a coin for whole answers', () => {
  it('runs one model and not the other', async () => {
    expect(await answer('random-query@0')).toMatchObject({ text: 'aaaa', rows: { large: 0 } });
    expect(await answer('random-query@1')).toMatchObject({ text: 'bbbb', rows: { small: 0 } });
  });

  it('gives about its share of the seeds to the large model; larger shares include them', async () => {
    const large = async (share: number): Promise<boolean[]> => {
      const seeds = Array.from({ length: 200 }, (_, seed) => seed);
      const all = seeds.map((seed) => answer(`random-query@${share}`, { seed }));
      return (await Promise.all(all)).map(({ text }) => text === 'bbbb');
    };
    const [few, many] = [await large(0.2), await large(0.5)];
    expect(Math.abs(few.filter(Boolean).length - 40)).toBeLessThan(24);
    expect(few.every((isLarge, seed) => !isLarge || many[seed])).toBe(true);
  });
});
