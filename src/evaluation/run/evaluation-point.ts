/** One method at one threshold with one seed: a point of a curve. */
import { createHash } from 'node:crypto';
import type { Method } from '../../strategy/method.ts';

export interface EvaluationPoint {
  readonly method: Method;
  /** Null for methods without one. */
  readonly threshold: number | null;
  /** 0 for all methods but random controls. */
  readonly seed: number;
}

/** A point in records, logs and results, with the method by name. */
export interface NamedPoint extends Omit<EvaluationPoint, 'method'> {
  readonly strategy: string;
}

export function namedPoint({ method, threshold, seed }: EvaluationPoint): NamedPoint {
  return { strategy: method.name, threshold, seed };
}

/** The form that users write. */
export function strategyText({ strategy, threshold }: NamedPoint): string {
  return threshold === null ? strategy : `${strategy}@${threshold}`;
}

/** Equal for equal points, and different for different ones. */
export function pointKey(point: NamedPoint): string {
  return `${strategyText(point)} seed ${point.seed}`;
}

/** 48 bits: a safe integer. */
const SEED_BYTES = 6;

/**
 * Random controls draw by question and position, so every question of a seed has its own draws.
 * @param drawSeed chooses the draws of a temperature above 0
 */
export function requestSeed(
  { seed }: Pick<EvaluationPoint, 'seed'>,
  questionId: string,
  drawSeed = 0,
): number {
  const draw = drawSeed === 0 ? '' : ` ${drawSeed}`;
  const hash = createHash('sha256').update(`${seed} ${questionId}${draw}`).digest();
  return hash.readUIntBE(0, SEED_BYTES);
}
