/**
 * Random loads, schedules and faults: the same in each check, others in a soak. In every case a request
 * writes the same text as alone, or the beginning of it and the right error, and nothing is lost. A
 * failure prints its seed, path and schedule.
 *
 * For a long soak: `PILOTFISH_TEST_SCALE=10 npx vitest run --project pure test/simulation`.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUNS_ARE_FULL, runs, SIMULATION_SEED } from '../runs.ts';
import { anyPlan, type PlanOptions } from './plan.ts';
import { simulate } from './simulation.ts';
import { Tally } from './tally.ts';

async function simulateMany(count: number, options: PlanOptions): Promise<Tally> {
  const tally = new Tally();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), anyPlan(options), async (scheduler, plan) => {
      await simulate(scheduler, plan, tally);
    }),
    { numRuns: count, ...SIMULATION_SEED },
  );
  if (RUNS_ARE_FULL) process.stdout.write(`${tally}\n`);
  return tally;
}

describe('an engine under any load', () => {
  it('does both where requests draft, sample and branch', async () => {
    await simulateMany(runs(8, 150), { isCalm: true, branches: true });
    await simulateMany(runs(16, 500), { branches: true });
  });

  it('writes the same text for each request as alone, where nothing goes wrong', async () => {
    const tally = await simulateMany(runs(25, 150), { isCalm: true });
    if (!RUNS_ARE_FULL) return;
    const expected = { 'ended: done': 100, preempted: 2, 'reused a prefix': 8, queued: 20 };
    expect(tally.missing(expected)).toEqual([]);
  });

  it('loses nothing and harms no other request under any fault', async () => {
    const tally = await simulateMany(runs(60, 500), {});
    if (!RUNS_ARE_FULL) return;
    // On average each happens more than ten times as often.
    const expected = {
      'ended: done': 200,
      'ended: aborted': 30,
      'ended: left': 15,
      'ended: native-failed': 4,
      'ended: bug': 4,
      'ended: disposed': 5,
      deadlines: 10,
      'slow readers': 10,
      'events beside a slow reader': 100,
      'simulated full caches': 4,
      'a full cache': 5,
      preempted: 3,
      'closed engine': 1,
      'closed large': 1,
      'steps with a queue': 500,
      'reused a prefix': 15,
      'continued from a cache': 100,
    };
    expect(tally.missing(expected)).toEqual([]);
  });
});
