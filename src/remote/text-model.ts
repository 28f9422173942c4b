/** A model on a server that takes conversations, as the engine sees it: it only writes. */
import type { ModelId } from '../core/model-id.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RemoteModel } from '../session/remote-model.ts';
import type { Session, SessionRequest } from '../session/session.ts';
import type { ChatDialect } from './chat-dialect.ts';
import type { ProbedChat } from './probe-chat.ts';
import { ServerModel, type ServerModelOptions } from './server-model.ts';
import { type TextHome, TextSession } from './text-session.ts';

export interface TextModelOptions extends ServerModelOptions, ProbedChat {
  readonly dialect: ChatDialect;
}

export function textCapabilities({
  continues,
}: Pick<ChatDialect, 'continues'>): SessionCapabilities {
  return {
    reads: {},
    outputRowCountMax: 0,
    sharesNoise: false,
    keepsGrammar: false,
    givesVerdicts: false,
    continuesTexts: continues,
    input: 'text',
  };
}

export class TextModel extends ServerModel implements RemoteModel, TextHome {
  readonly dialect: ChatDialect;
  readonly lengthName: ProbedChat['lengthName'];
  readonly takesTemperature: boolean;
  readonly capabilities: SessionCapabilities;

  constructor(options: TextModelOptions) {
    super(options);
    this.dialect = options.dialect;
    this.lengthName = options.lengthName;
    this.takesTemperature = options.takesTemperature;
    this.capabilities = textCapabilities(options.dialect);
  }

  missingSampling(sampling: SamplingParams): string | null {
    const { temperature, topP } = sampling;
    if (!this.takesTemperature && (temperature !== 1 || topP !== 1)) {
      return 'it takes no temperature and no top-p but 1';
    }
    return this.dialect.missingSampling(sampling);
  }

  openSession(id: ModelId, request: SessionRequest): Session {
    return new TextSession(this, id, request);
  }
}
