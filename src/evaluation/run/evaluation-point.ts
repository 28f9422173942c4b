/** One strategy at one threshold with one seed: what a point of a curve is. */
import { createHash } from 'node:crypto';

export interface EvaluationPoint {
  readonly strategy: string;
  /** Null for strategies without one. */
  readonly threshold: number | null;
  /** 0 but for strategies that toss coins. */
  readonly seed: number;
}

/** As users write it, and as the engine reads it. */
export function strategyText({ strategy, threshold }: EvaluationPoint): string {
  return threshold === null ? strategy : `${strategy}@${threshold}`;
}

/** The same for the same point, and for no other. */
export function pointKey(point: EvaluationPoint): string {
  return `${strategyText(point)} seed ${point.seed}`;
}

/** 48 bits: a safe integer. */
const SEED_BYTES = 6;

/** Coins are keyed by question and position: every question of a seed has coins of its own. */
export function requestSeed({ seed }: EvaluationPoint, questionId: string): number {
  const hash = createHash('sha256').update(`${seed} ${questionId}`).digest();
  return hash.readUIntBE(0, SEED_BYTES);
}
