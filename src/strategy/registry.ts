/** Strategies by name, for callers that still pass text. */
import type { ModelRole } from '../core/events.ts';
import type { Router } from '../judging/router.ts';
import type { Method, Unit } from './method.ts';
import { METHODS } from './methods.ts';
import { routerThreshold as thresholdOfRouter } from './routed.ts';
import type { Strategy } from './strategy.ts';
import type { StrategyOptions } from './strategy-options.ts';
import {
  createStrategy as create,
  methodNamed,
  parseStrategy as parse,
  rolesOf as roles,
} from './strategy-value.ts';

export type { StrategyOptions } from './strategy-options.ts';
export type StrategyUnit = Unit | null;
export interface StrategyInfo extends Method {
  readonly isLearned: boolean;
}
export const STRATEGIES: readonly StrategyInfo[] = METHODS.map((method) => ({
  ...method,
  isLearned: method.head !== null,
}));

export interface ParsedStrategy {
  readonly name: string;
  readonly threshold: number | null;
  readonly share?: number;
}

export function parseStrategy(text: string): ParsedStrategy {
  const { method, threshold, share } = parse(text);
  const { name } = method;
  if (share !== null) return { name, threshold: null, share };
  return { name, threshold: threshold ?? method.threshold?.default ?? null };
}

export function createStrategy(text: string, options: StrategyOptions = {}): Strategy {
  return create(text, options);
}

export function isLearned(text: string): boolean {
  return parse(text).method.head !== null;
}

export function rolesOf(text: string, options: StrategyOptions = {}): readonly ModelRole[] {
  return roles(text, options);
}

export function routerThreshold(router: Router, share: number | null): number {
  const method = methodNamed(router.strategy);
  if (method === null || share === null) return router.defaultThreshold;
  const text = `${router.strategy}@${share * 100}%`;
  return thresholdOfRouter(router, { method, threshold: null, share, text });
}
