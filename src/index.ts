/**
 * Pilotfish as a library: open an engine, ask it, read events.
 *
 * @example
 * import { openEngine } from 'pilotfish';
 *
 * await using engine = await openEngine({ strategies: ['entropy'] });
 * const messages = [{ role: 'user' as const, content: 'Why is the sky blue?' }];
 * for await (const event of engine.generate({ messages, strategy: 'entropy@1' })) {
 *   if (event.type === 'token') process.stdout.write(event.text);
 * }
 */

export { foldRunCost, RunCostFold } from './accounting/run-cost.ts';
export { type MeasureStepsOptions, measureSteps } from './app/measure-steps.ts';
export { type OpenEngineOptions, openEngine } from './app/open-engine.ts';
export { type RecostOptions, recost } from './app/recost.ts';
export type { ChatMessage } from './core/chat-message.ts';
export { ERROR_CODES, type ErrorCode, PilotfishError } from './core/errors.ts';
export type {
  EngineEvent,
  GrammarKind,
  ModelCost,
  ModelCostFacts,
  Origin,
  ParameterCounts,
  RunCost,
  StartEvent,
  SummaryEvent,
  TokenEvent,
  TokenPrices,
  WorkEvent,
  WorkPurpose,
} from './core/events.ts';
export type { FinishReason } from './core/finish-reason.ts';
export type {
  ByRole,
  ModelId,
  ModelLabel,
  ModelLabels,
  ModelRole,
  ModelsById,
} from './core/model-id.ts';
export type { OnNotice, OnProgress, Progress } from './core/progress.ts';
export type { SamplingParams } from './core/sampling-params.ts';
export type { TokenId } from './core/token-id.ts';
export { Engine, type EngineOptions } from './engine/engine.ts';
export type { GenerateRequest } from './engine/request.ts';
export type { GrammarRequest } from './grammar/grammar-request.ts';
export { type Advice, type CostScenario, costAdvice } from './machines/advise.ts';
export type { CostModel } from './machines/cost-model.ts';
export type { ForwardCosts } from './machines/forward-costs.ts';
export { KNOWN_MACHINES } from './machines/known-machines.ts';
export type { MachineProfile } from './machines/machine-profile.ts';
export { profileCosts } from './machines/profile-costs.ts';
export { type LlamaCppModel, type LoadOptions, loadModel } from './model/llama-cpp/model.ts';
export { type ModelFileFacts, readModelFile } from './model/llama-cpp/model-file.ts';
export type { LanguageModel, Sequence, Vocabulary } from './model/roles.ts';
export type { Method, StrategyValue, ThresholdFacts, Unit } from './strategy/method.ts';
export { METHODS } from './strategy/methods.ts';
export type { SpeculativeOptions, StrategyOptions } from './strategy/strategy-options.ts';
export { parseStrategy, type StrategyInput, strategyValue } from './strategy/strategy-value.ts';
