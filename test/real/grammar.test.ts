/** A JSON schema on the default pair: under every strategy, an answer that ended by itself is valid. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import { loadModel } from '../../src/model/llama-cpp/model.ts';
import { hasPair, IS_SLICE, LARGE, realModel, run, SMALL } from './real-models.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 24 },
    sold: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 2, maxItems: 2 },
    months: { type: 'array', items: { enum: ['April', 'May', 'June'] }, maxItems: 3 },
    total: { type: 'integer', minimum: 0, maximum: 100_000 },
    note: { anyOf: [{ type: 'string', pattern: '^[A-Za-z ]{0,30}\\.$' }, { type: 'null' }] },
  },
  required: ['name', 'sold', 'total', 'note'],
  additionalProperties: false,
};
const QUESTION =
  'Natalia sold 48 clips in April and half as many in May. Answer with a JSON object.';
const STRATEGIES = ['small', 'large', 'entropy@0.5', 'margin', 'random@0.3', 'speculative'];
const TEMPERATURES = IS_SLICE ? [0.8] : [0, 0.8];

const isHere = await hasPair();
if (!isHere) process.stderr.write('SKIPPED: the default pair is not on this machine\n');
const validate = new Ajv2020().compile(SCHEMA);
let engine: Engine;

beforeAll(async () => {
  if (!isHere) return;
  const open = async (name: string) =>
    await loadModel(await realModel(name), { name, contextLength: 512 });
  engine = new Engine({
    models: { small: await open(SMALL), large: await open(LARGE) },
    speculative: { proposer: 'small', draftLength: 3 },
  });
});
afterAll(async () => {
  if (isHere) await engine[Symbol.asyncDispose]();
});

describe.skipIf(!isHere)('a JSON schema on the real pair', () => {
  it.each(STRATEGIES)('holds under %s', async (strategy) => {
    for (const [seed, temperature] of TEMPERATURES.entries()) {
      const { summary } = await run(engine, {
        messages: [{ role: 'user', content: QUESTION }],
        grammar: { jsonSchema: SCHEMA },
        strategy,
        seed,
        sampling: { temperature },
        maxTokens: 200,
      });
      process.stderr.write(`${strategy}, temperature ${temperature}: ${summary.text}\n`);
      expect(summary.finishReason).toBe('end-of-generation');
      const value: unknown = JSON.parse(summary.text);
      expect([summary.text, validate(value), validate.errors]).toEqual([summary.text, true, null]);
    }
  });
});
