/** Draft lengths of `speculative` by the measured costs of a server. */
import { describe, expect, it } from 'vitest';
import type { EngineOptions } from '../../src/engine/engine.ts';
import type { StepCosts } from '../../src/machines/step-costs.ts';
import { expected, idsOf, remoteWorld, run, summaryOf } from './remote-world.ts';

/** A draft is free here; a further prefix of a call takes `prefixMs` there. */
function costs(prefixMs: number, smallMs = 0.01, tokenMs = 20): StepCosts {
  const points = [1, 9].map((rowCount) => ({
    rowCount,
    ms: 10 + tokenMs + (rowCount - 1) * prefixMs,
  }));
  return {
    small: { points: [{ rowCount: 1, ms: smallMs }] },
    large: { points },
    stream: { tokenMs, roundTripMs: 10 },
  };
}

function measured(given: StepCosts, proposer: 'auto' | 'small' | 'prompt-lookup' = 'auto') {
  const options: Omit<EngineOptions, 'models'> = { speculative: { proposer, costs: given } };
  return remoteWorld({}, options);
}

const GREEDY_RUN = { strategy: 'speculative', sampling: { temperature: 0 } } as const;

describe('drafts over a server that was measured', () => {
  it('are none where they do not pay: the large model writes on in one stream', async () => {
    await using world = await measured(costs(30, 100));
    const events = await run(world.engine, GREEDY_RUN);
    expect(idsOf(events)).toEqual(await expected({ ...GREEDY_RUN, strategy: 'large' }));
    expect(world.server.counts.callCount).toBe(1);
    expect(summaryOf(events).notes?.join()).toContain('draft model off');
  });

  it('are as long as pays', async () => {
    await using world = await measured(costs(0.1), 'small');
    const events = await run(world.engine, GREEDY_RUN);
    const text = await expected({ ...GREEDY_RUN, strategy: 'large' });
    expect(idsOf(events)).toEqual(text);
    expect(world.server.counts.callCount).toBeLessThan(text.length);
    const verified = events.flatMap((event) =>
      event.type === 'work' && event.purpose === 'verify' ? [event.outputRowCount] : [],
    );
    expect(Math.max(...verified)).toBeGreaterThan(4);
  });

  it('come from the text between parts of the stream, and the text is the same', async () => {
    await using world = await measured(costs(0.1, 0.01, 200), 'prompt-lookup');
    const events = await run(world.engine, GREEDY_RUN);
    expect(idsOf(events)).toEqual(await expected({ ...GREEDY_RUN, strategy: 'large' }));
    const purposes = new Set(
      events.flatMap((event) => (event.type === 'work' ? [event.purpose] : [])),
    );
    expect([...purposes].sort()).toEqual(['correct', 'verify']);
  });

  it('leave a text at a temperature to calls, which share the noise', async () => {
    await using world = await measured(costs(30, 100));
    const drawn = { strategy: 'speculative', sampling: { temperature: 1, topK: 5, seed: 3 } };
    const events = await run(world.engine, drawn);
    const text = await expected({ ...drawn, strategy: 'large' });
    expect(idsOf(events)).toEqual(text);
    expect(world.server.counts.callCount).toBe(text.length);
  });
});
