/** A user of the library supplies a gate that this program does not know. */
import { expect, it } from 'vitest';
import type { EngineEvent } from '../../src/core/events.ts';
import type { Gate } from '../../src/judging/gate.ts';
import type { Method } from '../../src/strategy/method.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import {
  parseStrategy,
  type StrategyInput,
  strategyValue,
} from '../../src/strategy/strategy-value.ts';
import { tokenMethod } from '../../src/strategy/token-routing.ts';
import { questionOf, scriptedEvaluation } from '../evaluation/scripted-evaluation.ts';

/** Defers every second position. */
const everySecond: Gate = {
  name: 'entropy',
  reads: {},
  deferralSide: 'above',
  score: (_row, position) => position % 2,
};
const own: Method = tokenMethod(everySecond, {
  summary: 'every second token',
  threshold: { name: 'parity', default: 0.5, meaning: 'the large model writes odd tokens' },
  style: null,
});

it('runs as a value, even under the name of an existing method', async () => {
  const { engine } = scriptedEvaluation();
  const run = async (strategy: StrategyInput): Promise<readonly EngineEvent[]> => {
    const events: EngineEvent[] = [];
    const { messages } = questionOf(7);
    for await (const event of engine.generate({ messages, strategy, maxTokens: 6 })) {
      events.push(event);
    }
    return events;
  };
  const origins = (events: readonly EngineEvent[]): unknown[] =>
    events.flatMap((event) => (event.type === 'token' ? [event.origin] : []));
  const builtIn = origins(await run('entropy@1000'));
  expect(new Set(builtIn)).toEqual(new Set(['small']));
  const events = await run(strategyValue(own));
  expect(events[0]).toMatchObject({ strategy: 'entropy', thresholds: { parity: 0.5 } });
  const [first, ...others] = origins(events);
  for (const [index, origin] of others.entries()) {
    expect(origin === first).toBe(index % 2 === 1);
  }
  expect(new Set(origins(await run(strategyValue(own, 1000))))).toEqual(new Set(['small']));
  // The kept state of one method is not used for another method of the same name.
  expect(origins(await run(strategyValue(own)))).toEqual(origins(events));
  expect(origins(await run('entropy'))).toEqual(origins(await run(parseStrategy('entropy'))));
  expect((await run('entropy'))[0]).toMatchObject({ thresholds: { entropy: 1 } });
  await engine.close();
});

it('is parsed among methods that the user lists', () => {
  const mine = { ...own, name: 'parity' };
  expect(parseStrategy('parity@0.5', [...METHODS, mine])).toMatchObject({
    method: mine,
    threshold: 0.5,
  });
  expect(() => parseStrategy('parity@0.5')).toThrow(
    expect.objectContaining({ code: 'strategy-unknown' }),
  );
});
