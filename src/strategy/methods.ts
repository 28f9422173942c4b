/** Every method that users can name, in the order in which help lists them. */
import { BEST_OF_N_METHODS } from './best-of-n.ts';
import { cascadeMethod } from './cascade.ts';
import { classMarginMethod } from './class-margin.ts';
import { entropyMethod } from './entropy.ts';
import { HGS_METHODS } from './hgs-prm.ts';
import { majorityMethod } from './majority.ts';
import { marginMethod } from './margin.ts';
import type { Method } from './method.ts';
import { randomMethod } from './random.ts';
import { randomQueryMethod } from './random-query.ts';
import { randomStepMethod } from './random-step.ts';
import { ROUTED_METHODS } from './routed.ts';
import { RSD_METHODS } from './rsd.ts';
import { RSD_HEAD_METHODS } from './rsd-heads.ts';
import { JUDGE_METHODS } from './rsd-judge.ts';
import { largeMethod, smallMethod } from './single-model.ts';
import { speculativeMethod } from './speculative.ts';
import { HYBRID_METHODS } from './uhlm-methods.ts';
import { uhlmRouterMethod } from './uhlm-router.ts';

/** The default method of requests. */
export const DEFAULT_METHOD: Method = entropyMethod;

export const METHODS: readonly Method[] = [
  smallMethod,
  largeMethod,
  entropyMethod,
  marginMethod,
  classMarginMethod,
  randomMethod,
  ...ROUTED_METHODS,
  ...HYBRID_METHODS,
  uhlmRouterMethod,
  ...RSD_HEAD_METHODS,
  ...RSD_METHODS,
  ...JUDGE_METHODS,
  randomStepMethod,
  cascadeMethod,
  randomQueryMethod,
  majorityMethod,
  ...BEST_OF_N_METHODS,
  ...HGS_METHODS,
  speculativeMethod,
];
