/**
 * Long computations in parts. A computation of more than a few milliseconds is a generator that
 * yields between parts, and its driver decides what happens there. Arithmetic thus stays free of
 * timers, and the event loop keeps turning during a training.
 */
import { throwIfAborted } from '../core/errors.ts';

/** A computation in parts, each of a few milliseconds at most. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** The longest pause of the event loop, apart from the longest part. */
const SLICE_MS = 8;

/**
 * Runs the parts, and gives the event loop a turn every few milliseconds.
 * @throws PilotfishError `aborted`, between two parts
 */
export async function inTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  let started = performance.now();
  for (;;) {
    throwIfAborted(signal);
    const part = steps.next();
    if (part.done === true) return part.value;
    if (performance.now() - started < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    started = performance.now();
  }
}

/** Runs all parts at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const part = steps.next();
    if (part.done === true) return part.value;
  }
}
