/** The part of a model that its sessions use. */
import type { SamplingParams } from '../core/sampling-params.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { Dialect } from './dialect.ts';
import type { ServerHome } from './server-model.ts';

export interface ServedHome extends ServerHome {
  /** All that it can do. */
  readonly capabilities: SessionCapabilities;
  capabilitiesFor(sampling: SamplingParams, hasGrammar: boolean): SessionCapabilities;
  readonly dialect: Dialect;
}
