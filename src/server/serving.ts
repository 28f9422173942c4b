/** What the routes of a server share. */
import type { ServerMetrics } from './metrics.ts';
import type { ServedPair } from './served-pairs.ts';

export interface Serving {
  readonly pairs: readonly ServedPair[];
  readonly metrics: ServerMetrics;
  isDraining: boolean;
}
