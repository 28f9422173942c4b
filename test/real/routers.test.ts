/** The bundled routers for the default pair, on its real models. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/app/open-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import { hasPair, LARGE, realModel, run, SMALL } from './real-models.ts';

const HEADS = join(import.meta.dirname, '../../heads/qwen2.5-coder');
const FILES = await readdir(HEADS);
const NAMES = METHODS.filter(({ name, head }) => {
  return head?.kind === 'router' && FILES.includes(`${name}.safetensors`);
}).map(({ name }) => name);
const PROBLEMS: readonly string[] = [
  'Natalia sold 48 clips in April and half as many in May. How many did she sell in all?',
  'A book of 240 pages is read at 15 pages a day. After 9 days, how many pages are left?',
  'Ann has three times as many apples as Bob, who has 7. They eat 5. How many are left?',
];
const MAX_TOKENS = 96;

const isHere = await hasPair();
if (!isHere) process.stderr.write('SKIPPED: the default pair is not on this machine\n');

let engine: Engine;
beforeAll(async () => {
  if (!isHere) return;
  await Promise.all([SMALL, LARGE].map(realModel));
  engine = await openEngine({ small: SMALL, large: LARGE, strategies: NAMES, contextLength: 1024 });
});
afterAll(async () => {
  if (isHere) await engine[Symbol.asyncDispose]();
});

const ask = async (strategy: string, prompt: string, maxTokens = MAX_TOKENS) =>
  await run(engine, { messages: [{ role: 'user', content: prompt }], strategy, maxTokens });

describe.skipIf(!isHere).each(NAMES)('%s on the default pair', (name) => {
  it('writes the text of one model at the ends of its range', async () => {
    const [prompt = ''] = PROBLEMS;
    for (const [threshold, alone] of [
      [-1, 'small'],
      [2, 'large'],
    ] as const) {
      const own = await ask(alone, prompt, 40);
      expect(own.ids.length).toBeGreaterThan(10);
      expect((await ask(`${name}@${threshold}`, prompt, 40)).ids).toEqual(own.ids);
    }
  });

  it('calls about the requested share', async () => {
    let tokenCount = 0;
    let largeCount = 0;
    for (const prompt of PROBLEMS) {
      const { tokens } = await ask(`${name}@20%`, prompt);
      tokenCount += tokens.length;
      largeCount += tokens.filter(({ origin }) => origin === 'large').length;
    }
    const share = largeCount / tokenCount;
    process.stderr.write(`${name}@20%: ${(100 * share).toFixed(1)} % of ${tokenCount} tokens\n`);
    // Answers without worked examples are longer and easier than the answers of the calibration.
    expect(share).toBeGreaterThan(0.04);
    expect(share).toBeLessThan(0.4);
  });
});
