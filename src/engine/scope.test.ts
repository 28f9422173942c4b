import { expect, it } from 'vitest';
import { ScriptedModel } from '../model/scripted/scripted-model.ts';
import { Engine } from './engine.ts';
import type { GenerateRequest } from './request.ts';

it('an answer outside the scope of the models says so, other answers do not', async () => {
  const large = new ScriptedModel({
    tokens: ['a', 'b', ''],
    endOfGeneration: [2],
    next: () => [0.5, 0.5, 0],
  });
  const scope = { covers: (text: string): boolean => text.includes('b'), note: 'only about b' };
  await using engine = new Engine({ models: { small: null, large }, scope });
  const notes = async (request: GenerateRequest): Promise<readonly string[]> => {
    for await (const event of engine.generate({ strategy: 'large', maxTokens: 2, ...request })) {
      if (event.type === 'summary') return event.notes;
    }
    return [];
  };
  expect(await notes({ prompt: 'a' })).toEqual(['only about b']);
  expect(await notes({ prompt: 'ab' })).toEqual([]);
});
