/**
 * Random loads, schedules and faults: whatever happens around a request, it writes what it writes
 * alone, or the beginning of it and the right error; and nothing is lost.
 *
 * `PILOTFISH_SIMULATION_RUNS=5000` for a long soak. A failure prints its seed, path and schedule.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyPlan } from './plan.ts';
import { runCount, runsAtLeast } from './run-count.ts';
import { simulate } from './simulation.ts';
import { Tally } from './tally.ts';

const CALM_RUN_COUNT = 50;
const TROUBLED_RUN_COUNT = 150;
const TIMEOUT_MS = 3_600_000;

async function runs(count: number, isCalm: boolean): Promise<Tally> {
  const tally = new Tally();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), anyPlan({ isCalm }), async (scheduler, plan) => {
      await simulate(scheduler, plan, tally);
    }),
    { numRuns: runCount(count) },
  );
  if (process.env['PILOTFISH_SIMULATION_RUNS'] !== undefined) process.stdout.write(`${tally}\n`);
  return tally;
}

describe('an engine under any load', () => {
  it(
    'writes for each request what it writes alone, where nothing goes wrong',
    async () => {
      const tally = await runs(CALM_RUN_COUNT, true);
      if (!runsAtLeast(CALM_RUN_COUNT)) return;
      const expected = { 'ended: done': 100, 'gave way': 2, 'reused a prefix': 8, queued: 20 };
      expect(tally.missing(expected)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'loses nothing and harms no other request, whatever goes wrong',
    async () => {
      const tally = await runs(TROUBLED_RUN_COUNT, false);
      if (!runsAtLeast(TROUBLED_RUN_COUNT)) return;
      // Each happens several times as often on average.
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
        'gave way': 3,
        'closed engine': 1,
        'closed large': 1,
        'steps with a queue': 500,
        'reused a prefix': 15,
        'continued from a cache': 100,
      };
      expect(tally.missing(expected)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
