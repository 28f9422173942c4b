/** A model on a server that takes token ids, as the engine sees it: no weights, no logits, calls. */
import type { ModelId } from '../core/model-id.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RemoteModel } from '../session/remote-model.ts';
import type { Session, SessionRequest } from '../session/session.ts';
import type { Dialect } from './dialect.ts';
import { isDecidedByTop } from './draw-from-top.ts';
import { capabilitiesFor } from './served-capabilities.ts';
import type { ServedHome } from './served-home.ts';
import { ServedSession } from './served-session.ts';
import { ServerModel, type ServerModelOptions } from './server-model.ts';
import { needsWholeMask } from './token-limit.ts';

export interface ServedModelOptions extends ServerModelOptions {
  readonly dialect: Dialect;
  readonly capabilities: SessionCapabilities;
}

export class ServedModel extends ServerModel implements RemoteModel, ServedHome {
  readonly dialect: Dialect;
  readonly capabilities: SessionCapabilities;

  constructor(options: ServedModelOptions) {
    super(options);
    this.dialect = options.dialect;
    this.capabilities = options.capabilities;
  }

  capabilitiesFor(sampling: SamplingParams, hasGrammar: boolean): SessionCapabilities {
    return capabilitiesFor(this.capabilities, sampling, hasGrammar);
  }

  missingSampling(sampling: SamplingParams, hasGrammar: boolean): string | null {
    const missing = this.dialect.missingSampling(sampling, this.facts.contextLength);
    return missing ?? (hasGrammar ? this.#missingMasks(sampling) : null);
  }

  /** A draw from the largest log-probabilities finds enough allowed tokens among them, as a rule. */
  #missingMasks(sampling: SamplingParams): string | null {
    const { neverCountMax } = this.dialect.maskLimits(sampling);
    const { topLogprobs = 0 } = this.capabilities.reads;
    const isAble = !needsWholeMask(sampling) || isDecidedByTop(sampling, topLogprobs);
    if (isAble || neverCountMax >= this.vocabulary.size) return null;
    return `it takes ${neverCountMax} forbidden tokens, too few for a grammar with top-k, top-p or min-p`;
  }

  openSession(id: ModelId, request: SessionRequest): Session {
    return new ServedSession(this, id, request);
  }
}
