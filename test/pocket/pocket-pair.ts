/** The pocket models in an engine, and questions for them: learned weights in every `npm test`. */
import { BUNDLED_MODELS, bundledPath } from '../../src/catalog/bundled-models.ts';
import type { EngineEvent, SummaryEvent, TokenEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import { Engine, type EngineOptions } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { type PocketProblem, pocketProblem } from '../../src/evaluation/tasks/pocket/problem.ts';
import {
  type LlamaCppModel,
  type LoadOptions,
  loadModel,
} from '../../src/model/llama-cpp/model.ts';

/** A seed of held-out problems, on which no model was trained. No other test uses it. */
const TEST_SEED = 20_261_122;
export const ANSWER_TOKENS_MAX = 200;

export interface PocketPair extends AsyncDisposable {
  readonly engine: Engine;
  readonly small: LlamaCppModel;
  readonly large: LlamaCppModel;
}

export interface PocketOptions extends Omit<EngineOptions, 'models'> {
  /** Default: the weaker one. */
  readonly smallName?: 'pocket-small' | 'pocket-small-strong';
  readonly load?: LoadOptions;
  /** Whether the large model also judges, as any judge and as a process reward model. Default false. */
  readonly judges?: boolean;
}

export async function openPocket(options: PocketOptions = {}): Promise<PocketPair> {
  const { smallName = 'pocket-small', load = {}, judges = false, ...rest } = options;
  const small = await loadPocket(smallName, load);
  const large = await loadPocket('pocket-large', load);
  const others = judges ? { judge: large, reward: large } : {};
  const engine = new Engine({ models: { small, large, ...others }, ...rest });
  return { engine, small, large, [Symbol.asyncDispose]: () => engine.close() };
}

/** One thread: models this small are faster on one than on two. */
export function loadPocket(name: string, load: LoadOptions = {}): Promise<LlamaCppModel> {
  const model = required(
    BUNDLED_MODELS.find((bundled) => bundled.name === name),
    `${name} comes with this package`,
  );
  return loadModel(bundledPath(model), { name, threadCount: 1, ...load });
}

export function testProblems(count: number, first = 0): readonly PocketProblem[] {
  return Array.from({ length: count }, (_, index) =>
    pocketProblem({ split: 'test', seed: TEST_SEED }, first + index),
  );
}

export function question({ question: content }: PocketProblem): Pick<GenerateRequest, 'messages'> {
  return { messages: [{ role: 'user', content }] };
}

export interface Answered {
  readonly events: readonly EngineEvent[];
  readonly tokens: readonly TokenEvent[];
  readonly ids: readonly TokenId[];
  readonly summary: SummaryEvent;
}

export async function answer(engine: Engine, request: GenerateRequest): Promise<Answered> {
  const events: EngineEvent[] = [];
  const asked = { maxTokens: ANSWER_TOKENS_MAX, ...request };
  for await (const event of engine.generate(asked)) events.push(event);
  const tokens = events.filter((event) => event.type === 'token');
  const summary = required(
    events.find((event) => event.type === 'summary'),
    'a finished run has a summary',
  );
  return { events, tokens, ids: tokens.map(({ tokenId }) => tokenId), summary };
}
