/**
 * A model that runs elsewhere: an engine behind a network, or a hub at the other end of a link. It
 * keeps its own caches, so this process does no KV bookkeeping for it.
 */
import type { ModelId } from '../core/model-id.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { ModelFacts, Vocabulary } from '../model/roles.ts';
import type { SessionCapabilities } from './capabilities.ts';
import type { Session, SessionRequest } from './session.ts';

export type RemoteFacts = Pick<
  ModelFacts,
  'name' | 'parameterCounts' | 'weightBytes' | 'kvBytesPerToken' | 'contextLength' | 'rowCountMax'
>;

export interface RemoteModel extends AsyncDisposable {
  /** Whether a server bills its calls; absent: its rows count. */
  readonly isBilled?: boolean;
  readonly facts: RemoteFacts;
  readonly vocabulary: Vocabulary;
  /** All that it can do. */
  readonly capabilities: SessionCapabilities;
  /** What it can do with these parameters; absent: all. */
  capabilitiesFor?(sampling: SamplingParams, hasGrammar: boolean): SessionCapabilities;
  /**
   * What keeps it from drawing with these parameters, as in "it cannot count tokens for penalties"; null:
   * nothing. Absent: it can draw with all.
   */
  missingSampling?(sampling: SamplingParams, hasGrammar: boolean): string | null;
  /** Opens nothing yet: the first call does. @param id the model's name in work events */
  openSession(id: ModelId, request: SessionRequest): Session;
}
