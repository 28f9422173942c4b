/**
 * Measures the reading of an output row beyond its best token: sums over the whole vocabulary. The
 * logits are made up, because only their number matters.
 */
import { type Clock, systemClock } from '../core/clock.ts';
import type { RowProgram } from '../core/row-program.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { runRowProgram } from '../sampling/run-row-program.ts';
import type { ForwardCosts, RowReading } from './forward-costs.ts';

const WARM_UP_COUNT = 3;
const REPEAT_COUNT = 5;

export function measureReadings(
  vocabularySize: number,
  clock: Clock = systemClock,
): ForwardCosts['readingMs'] {
  const logits = Float32Array.from({ length: vocabularySize }, (_, id) => 4 * Math.sin(id * 1.7));
  const greedy: RowProgram = { vocabularySize, sampling: GREEDY, seed: 0, purpose: 'sample' };
  const timed = (program: RowProgram): number => fastestMs(logits, program, clock);
  const leastMs = timed(greedy);
  const more = (program: RowProgram): number => Math.max(0, timed(program) - leastMs);
  const programs: Readonly<Record<RowReading, RowProgram>> = {
    logprob: { ...greedy, logprob: true },
    uncertainty: { ...greedy, uncertainty: true },
    draw: { ...greedy, sampling: { ...GREEDY, temperature: 1 } },
  };
  return {
    logprob: more(programs.logprob),
    uncertainty: more(programs.uncertainty),
    draw: more(programs.draw),
  };
}

function fastestMs(logits: Float32Array, program: RowProgram, clock: Clock): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < WARM_UP_COUNT + REPEAT_COUNT; repeat += 1) {
    const started = clock.nowMs();
    runRowProgram(logits, program, repeat);
    if (repeat >= WARM_UP_COUNT) fastest = Math.min(fastest, clock.nowMs() - started);
  }
  return fastest;
}
