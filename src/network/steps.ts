/**
 * Long computations in parts. Whatever takes more than a few milliseconds is a generator that yields
 * between parts; who drives it decides what happens there. Arithmetic thus stays free of timers, and
 * an event loop beside a training still turns.
 */
import { throwIfAborted } from '../core/errors.ts';

/** A computation in parts, each of a few milliseconds at most. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** So long the event loop may stand still, plus the longest part. */
const SLICE_MS = 8;

/**
 * Gives the event loop a turn every few milliseconds.
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

/** All parts at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const part = steps.next();
    if (part.done === true) return part.value;
  }
}
