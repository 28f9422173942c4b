/** One method at one threshold with one seed: what a point of a curve is. */
import { createHash } from 'node:crypto';
import type { Method } from '../../strategy/method.ts';

export interface EvaluationPoint {
  readonly method: Method;
  /** Null for methods without one. */
  readonly threshold: number | null;
  /** 0 but for random controls. */
  readonly seed: number;
}

/** A point as records, logs and results keep it: by the method's name. */
export interface NamedPoint extends Omit<EvaluationPoint, 'method'> {
  readonly strategy: string;
}

export function namedPoint({ method, threshold, seed }: EvaluationPoint): NamedPoint {
  return { strategy: method.name, threshold, seed };
}

/** As users write it. */
export function strategyText({ strategy, threshold }: NamedPoint): string {
  return threshold === null ? strategy : `${strategy}@${threshold}`;
}

/** The same for the same point, and for no other. */
export function pointKey(point: NamedPoint): string {
  return `${strategyText(point)} seed ${point.seed}`;
}

/** 48 bits: a safe integer. */
const SEED_BYTES = 6;

/** Coins are keyed by question and position: every question of a seed has coins of its own. */
export function requestSeed({ seed }: Pick<EvaluationPoint, 'seed'>, questionId: string): number {
  const hash = createHash('sha256').update(`${seed} ${questionId}`).digest();
  return hash.readUIntBE(0, SEED_BYTES);
}
