/** The options of an engine, and the options of requests about sharing, on scripted models. */
import { describe, expect, it, vi } from 'vitest';
import type { EngineEvent, SummaryEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import { Engine, type EngineOptions } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { GrammarService } from '../../src/grammar/grammar-service.ts';
import { someFit } from '../../src/judging/fakes/some-fit.ts';
import { scriptedModel } from '../simulation/scripted-pair.ts';

const PROMPT = 'abcabcabcabc';

function engineOf(options: Partial<EngineOptions> = {}): Engine {
  const shape = { contextLength: 60, sequenceCountMax: 4 };
  const models = { small: scriptedModel('small', shape), large: scriptedModel('large', shape) };
  return new Engine({ models, ...options });
}

async function run(engine: Engine, request: GenerateRequest): Promise<SummaryEvent> {
  const events: EngineEvent[] = [];
  for await (const event of engine.generate({ maxTokens: 6, strategy: 'large', ...request })) {
    events.push(event);
  }
  return required(
    events.find((event) => event.type === 'summary'),
    'it ended well',
  );
}

describe('engine options', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuse %s running requests',
    (requestCountMax) => {
      expect(() => engineOf({ requestCountMax })).toThrow(
        expect.objectContaining({
          code: 'option-invalid',
          fields: { option: 'requestCountMax', value: String(requestCountMax) },
        }),
      );
    },
  );

  it.each([0, 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuse an overcommitment of %s',
    (overcommit) => {
      expect(() => engineOf({ overcommit })).toThrow(
        expect.objectContaining({
          code: 'option-invalid',
          fields: { option: 'overcommit', value: String(overcommit) },
        }),
      );
    },
  );

  it('have fits, of which each request takes the one for its own sampling', async () => {
    await using engine = engineOf({ fits: [someFit()] });
    const notesOf = async (sampling: GenerateRequest['sampling']) =>
      (await run(engine, { prompt: PROMPT, strategy: 'uhlm', sampling })).notes.join();
    for (let round = 0; round < 2; round += 1) {
      expect(await notesOf({ temperature: 1 })).toBe('');
      expect(await notesOf({ temperature: 0.5 })).toContain('at temperature 0.5');
      expect(await notesOf({ temperature: 1, topP: 0.9 })).toContain('with top-k, top-p or min-p');
    }
  });

  it('limit the running requests of a model', async () => {
    await using engine = engineOf({ requestCountMax: 1 });
    const first = engine.generate({ prompt: 'a', strategy: 'large', maxTokens: 2 });
    await first.next();
    const second = run(engine, { prompt: 'b' });
    await new Promise(setImmediate);
    expect(engine.load).toEqual({ runningCount: 1, waitingCount: 1 });
    await first.return();
    await second;
    await engine.checkIdle();
  });
});

describe('the time of a request in the queue', () => {
  it('is reported separately', async () => {
    let nowMs = 0;
    await using engine = engineOf({ requestCountMax: 1, clock: { nowMs: () => nowMs } });
    const first = engine.generate({ prompt: 'a', strategy: 'large', maxTokens: 2 });
    await first.next();
    nowMs = 10;
    const second = run(engine, { prompt: 'b' });
    await new Promise(setImmediate);
    nowMs = 35;
    await first.return();
    const { queuedMs, elapsedMs } = await second;
    expect([queuedMs, elapsedMs]).toEqual([25, 25]);
    expect((await run(engine, { prompt: 'c' })).queuedMs).toBe(0);
  });

  it('includes neither the time to read the prompt nor that of a grammar', async () => {
    let nowMs = 0;
    const model = scriptedModel('large', { contextLength: 60, sequenceCountMax: 4 });
    await using engine = new Engine({
      models: { small: null, large: model },
      clock: { nowMs: () => nowMs },
    });
    const { tokenize } = model.vocabulary;
    vi.spyOn(model.vocabulary, 'tokenize').mockImplementation((text) => {
      nowMs += 10;
      return tokenize(text);
    });
    const { open } = GrammarService.prototype;
    const opening = vi.spyOn(GrammarService.prototype, 'open');
    opening.mockImplementation(function (this: GrammarService, ...args) {
      nowMs += 5;
      return open.apply(this, args);
    });
    const grammar = { regex: '[abc]{9}' };
    const { queuedMs, elapsedMs } = await run(engine, { prompt: 'a', grammar });
    opening.mockRestore();
    expect([queuedMs, elapsedMs]).toEqual([0, 15]);
  });
});

describe('reusing prefixes', () => {
  it('is the default', async () => {
    await using engine = engineOf();
    expect((await run(engine, { prompt: PROMPT })).reusedRowCount).toBe(0);
    expect((await run(engine, { prompt: PROMPT })).reusedRowCount).toBe(PROMPT.length - 1);
    await engine.forget();
    expect((await run(engine, { prompt: PROMPT })).reusedRowCount).toBe(0);
    await engine.checkIdle();
  });

  it('can be refused by a request, which then finds and leaves no prefix', async () => {
    await using engine = engineOf();
    const apart = { prompt: PROMPT, reusePrefix: false };
    await run(engine, apart);
    expect((await run(engine, { prompt: PROMPT })).reusedRowCount).toBe(0);
    expect((await run(engine, apart)).reusedRowCount).toBe(0);
    expect((await run(engine, { prompt: PROMPT })).reusedRowCount).toBe(PROMPT.length - 1);
    await engine.checkIdle();
  });

  it('spares the small model the prefill that counts against it before it drafts', async () => {
    const costs = {
      small: { points: [{ rowCount: 1, ms: 1 }] },
      large: {
        points: [
          { rowCount: 1, ms: 10 },
          { rowCount: 9, ms: 10 },
        ],
      },
    };
    await using engine = engineOf({ speculative: { proposer: 'small', costs } });
    const request = { prompt: 'abcdefghijk'.repeat(4), strategy: 'speculative', maxTokens: 4 };
    const notes = async (reusePrefix: boolean): Promise<string> =>
      (await run(engine, { ...request, reusePrefix })).notes.join();
    expect(await notes(true)).toContain(
      'draft model off: reading 44 tokens takes the small model about 44 ms',
    );
    await run(engine, { ...request, strategy: 'small' });
    expect(await notes(false)).toContain('draft model off: reading 44 tokens');
    expect(await notes(true)).toMatch(/^draft model: \d+ of \d+ drafts accepted/);
  });

  it('writes the same text either way', async () => {
    await using engine = engineOf({ speculative: { proposer: 'small', draftLength: 3 } });
    for (const strategy of [
      'small',
      'large',
      'entropy@1',
      'random@0.5',
      'cascade@1',
      'random-query@0.5',
      'speculative',
    ]) {
      const request = { prompt: PROMPT, strategy, maxTokens: 20 };
      const { text } = await run(engine, { ...request, reusePrefix: false });
      await run(engine, request);
      const again = await run(engine, request);
      expect([again.text, again.reusedRowCount]).toEqual([text, PROMPT.length - 1]);
    }
  });
});
