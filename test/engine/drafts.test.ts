/** Events of drafts: what they show, that nothing counts them, and that a reader may leave at one. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { foldRunCost } from '../../src/accounting/run-cost.ts';
import { parseRunLog } from '../../src/accounting/run-log.ts';
import type { DraftEvent, EngineEvent } from '../../src/core/events.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { scriptedModel } from '../simulation/scripted-pair.ts';
import { collectEvents } from './collected-events.ts';

const SHAPE = { contextLength: 64, cellCount: 64 * 12, sequenceCountMax: 16, rowCountMax: 16 };
const STEPS = { separators: ['b', 'f'], stepTokenCountMax: 5, draftCount: 3 };

function engineOf(): Engine {
  // Forwards take a while, so that readers see drafts grow.
  const shape = { ...SHAPE, onForward: () => turn() };
  const models = { small: scriptedModel('small', shape), large: scriptedModel('large', shape) };
  return new Engine({ models, steps: STEPS });
}

const REQUEST: GenerateRequest = {
  ...{ prompt: 'bcd', strategy: 'rsd-likelihood@0.5', maxTokens: 24 },
};

const isDraft = (event: EngineEvent): event is DraftEvent => event.type === 'draft';

describe('drafts', () => {
  it('come only where they are wanted, and change nothing else', async () => {
    await using engine = engineOf();
    const plain = await collectEvents(engine.generate(REQUEST));
    const shown = await collectEvents(engine.generate({ ...REQUEST, drafts: true }));
    expect(plain.some(isDraft)).toBe(false);
    const timeless = (events: readonly EngineEvent[]): unknown[] =>
      events
        .filter((event) => !isDraft(event))
        .map((event) =>
          'tokenId' in event ? [event.tokenId, event.origin, event.round] : event.type,
        );
    expect(timeless(shown)).toEqual(timeless(plain));
    const [start] = shown;
    const end = shown.at(-1);
    if (start?.type !== 'start' || end?.type !== 'summary') throw new Error('a whole run');
    expect(foldRunCost(start, shown)).toMatchObject({ tokenCount: end.tokenCount });
    const log = parseRunLog(shown.map((event) => JSON.stringify(event)).join('\n'));
    expect(log.runs[0]?.events.filter(({ type }) => type === 'token')).toHaveLength(end.tokenCount);
  });

  it('grow until their verdict: accepted they are the tokens, rejected they are taken back', async () => {
    await using engine = engineOf();
    let [acceptedCount, rejectedCount] = [0, 0];
    const request = { ...REQUEST, strategy: 'rsd-likelihood@0.5', drafts: true };
    for (const prompt of ['abc', 'bcd', 'kkk', 'aaa']) {
      const events = await collectEvents(engine.generate({ ...request, prompt }));
      const rounds = Math.max(...events.map((event) => ('round' in event ? event.round : 0)));
      for (let round = 0; round <= rounds; round += 1) {
        const own = events.filter((event) => 'round' in event && event.round === round);
        const texts = own.filter(isDraft).map(({ text }) => text);
        const tokens = own.filter((event) => event.type === 'token');
        // The drafts of a round come before its tokens.
        expect(own.findLastIndex(isDraft)).toBeLessThan(own.findIndex((one) => !isDraft(one)));
        const grown = texts.filter((text) => text !== '');
        expect(grown).toEqual(grown.toSorted((a, b) => a.length - b.length));
        const isLarge = tokens[0]?.origin === 'large';
        if (isLarge) rejectedCount += 1;
        else acceptedCount += 1;
        if (isLarge) expect(texts.at(-1)).toBe('');
        else expect(texts.at(-1)?.length).toBeGreaterThan(0);
      }
    }
    expect(Math.min(acceptedCount, rejectedCount)).toBeGreaterThan(2);
  });

  it('are none of methods that draft nothing, nor of answers that are checked when they end', async () => {
    await using engine = engineOf();
    for (const strategy of ['small', 'large', 'entropy', 'random-step@0.5', 'majority']) {
      const events = await collectEvents(engine.generate({ ...REQUEST, strategy, drafts: true }));
      expect(events.some(isDraft)).toBe(false);
    }
  });

  it.each(['leaves', 'aborts'])('leave nothing behind where a reader %s', async (how) => {
    await using engine = engineOf();
    const whole = await collectEvents(engine.generate({ ...REQUEST, drafts: true }));
    const count = whole.filter(isDraft).length;
    for (let at = 1; at <= count; at += 1) {
      const abort = new AbortController();
      let seen = 0;
      const run = engine.generate({ ...REQUEST, drafts: true, signal: abort.signal });
      const read = async (): Promise<void> => {
        for await (const event of run) {
          seen += Number(isDraft(event));
          if (seen < at) continue;
          if (how === 'leaves') break;
          abort.abort();
        }
      };
      if (how === 'leaves') await read();
      else await read().catch((error) => expect(error).toMatchObject({ code: 'aborted' }));
      for (let time = 0; time < 5; time += 1) await turn();
      await engine.checkIdle();
    }
    expect(count).toBeGreaterThan(5);
    expect((await collectEvents(engine.generate(REQUEST))).at(-1)?.type).toBe('summary');
  });

  it('leave their only sequence to the next request where a reader leaves', async () => {
    const shape = { ...SHAPE, sequenceCountMax: 1, onForward: () => turn() };
    const models = { small: scriptedModel('small', shape), large: scriptedModel('large', shape) };
    await using engine = new Engine({ models, steps: { ...STEPS, draftCount: 1 } });
    for (let at = 1; at <= 5; at += 1) {
      let seen = 0;
      for await (const event of engine.generate({ ...REQUEST, drafts: true })) {
        seen += Number(isDraft(event));
        if (seen === at) break;
      }
      const next = await collectEvents(engine.generate({ ...REQUEST, strategy: 'small' }));
      expect(next.at(-1)?.type).toBe('summary');
    }
  });
});
