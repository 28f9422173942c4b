import { describe, expect, it } from 'vitest';
import { scriptedStart, tokenOf, workOf } from '../../channel/fakes/run-events.ts';
import type { EngineEvent } from '../../core/events.ts';
import { KNOWN_MACHINES } from '../../machines/known-machines.ts';
import { profileCosts } from '../../machines/profile-costs.ts';
import { recostedEvents } from './recosted-events.ts';

const [DEVICE, HUB] = ['laptop-cpu', 'h100-sxm'].map(
  (name) => KNOWN_MACHINES.find((machine) => machine.name === name) ?? expect.fail(name),
);

const START = scriptedStart(10);
const EVENTS: readonly EngineEvent[] = [
  START,
  workOf('small', 'prefill', 50, { rowCounts: [9], outputRowCount: 0 }),
  workOf('small', 'draft', 4),
  tokenOf(0, 56),
  workOf('small', 'draft', 4),
  workOf('large', 'prefill', 200, { rowCounts: [9], outputRowCount: 0 }),
  workOf('large', 'verify', 8, { rowCounts: [2] }),
  tokenOf(1, 270),
];

/** A forward without cached tokens: these models have none that count. */
function step(role: 'small' | 'large', rowCount: number, outputRowCount: number): number {
  const profile = (role === 'small' ? DEVICE : HUB) ?? expect.fail('a machine');
  const facts = START.models[role] ?? expect.fail('a model');
  const shape = { rowCount, outputRowCount, cachedTokenCount: 0 };
  return profileCosts(profile, { ...facts, kvBytesPerToken: 0 }).forwardMs(shape);
}

const times = (events: readonly EngineEvent[]): number[] =>
  events.flatMap((event) => {
    if (event.type === 'work') return [event.computeMs];
    return event.type === 'token' ? [event.elapsedMs] : [];
  });

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [at, value] of expected.entries()) expect(actual[at]).toBeCloseTo(value, 5);
}

describe('a run on other machines', () => {
  it('is the same on this one', () => {
    expect(recostedEvents(EVENTS, {}, false)).toBe(EVENTS);
  });

  it('has the costs of the hub, and between forwards the time of this device', () => {
    const [prefill, verify] = [step('large', 9, 0), step('large', 2, 1)];
    // Two milliseconds before the first token and before the second.
    expectClose(times(recostedEvents(EVENTS, { large: HUB }, false)), [
      ...[50, 4, 56, 4, prefill, verify],
      56 + 4 + 2 + prefill + verify,
    ]);
  });

  it('has the costs of both, and nothing else', () => {
    const recosted = recostedEvents(EVENTS, { small: DEVICE, large: HUB }, false);
    const [read, draft] = [step('small', 9, 0), step('small', 1, 1)];
    const [prefill, verify] = [step('large', 9, 0), step('large', 2, 1)];
    expectClose(times(recosted), [
      ...[read, draft, read + draft, draft, prefill, verify],
      read + 2 * draft + prefill + verify,
    ]);
    expect(recosted.map(({ type }) => type)).toEqual(EVENTS.map(({ type }) => type));
  });

  it('of a large model alone keeps its pauses only on this machine', () => {
    const events = [START, workOf('large', 'correct', 30), tokenOf(0, 35)];
    expectClose(times(recostedEvents(events, { small: DEVICE }, false)), [30, 35]);
    const correct = step('large', 1, 1);
    expectClose(times(recostedEvents(events, { large: HUB }, false)), [correct, correct]);
  });
});
