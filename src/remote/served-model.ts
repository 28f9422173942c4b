/** A model on a server that takes token ids, as the engine sees it: no weights, no logits, calls. */
import type { ModelId } from '../core/model-id.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RemoteModel } from '../session/remote-model.ts';
import type { Session, SessionRequest } from '../session/session.ts';
import type { Dialect } from './dialect.ts';
import { capabilitiesFor } from './served-capabilities.ts';
import { type ServedHome, ServedSession } from './served-session.ts';
import { ServerModel, type ServerModelOptions } from './server-model.ts';

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

  capabilitiesFor(sampling: SamplingParams): SessionCapabilities {
    return capabilitiesFor(this.capabilities, sampling);
  }

  missingSampling(sampling: SamplingParams): string | null {
    return this.dialect.missingSampling(sampling);
  }

  openSession(id: ModelId, request: SessionRequest): Session {
    return new ServedSession(this, id, request);
  }
}
