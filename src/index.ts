/**
 * Pilotfish as a library: open an engine, ask it, read events; evaluate strategies, train and calibrate
 * routers, take advice on costs. Everything that the command line does is a function here.
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
export type { AdviceAssumptions, AdviceReport, PlacedAdvice } from './app/advice/advice-report.ts';
export type { AcceptanceStatistics, LookupStatistics } from './app/advice/measure-acceptance.ts';
export { type AdviseOptions, advise } from './app/advise.ts';
export { type Calibrated, type CalibrateOptions, calibrate } from './app/calibrate.ts';
export { drawCalibration } from './app/draw-calibration.ts';
export { drawLinkMap } from './app/draw-link-map.ts';
export { type Evaluated, type EvaluateOptions, evaluate } from './app/evaluate.ts';
export { fitUhlm, type UhlmFitting } from './app/fit-uhlm.ts';
export { type GradedLine, type GradeLinesOptions, gradeLines } from './app/grade-lines.ts';
export type { GradeKind } from './app/grading/grade-limits.ts';
export type { FitUhlmOptions } from './app/heads/fit-settings.ts';
export type { TrainRewardOptions } from './app/heads/reward-settings.ts';
export type { TrainOptions } from './app/heads/train-settings.ts';
export { inspectMachine, type MachineFacts } from './app/inspect-machine.ts';
export {
  type InspectedServer,
  type InspectServerOptions,
  inspectServer,
} from './app/inspect-server.ts';
export {
  type MeasuredLink,
  type MeasureLinkOptions,
  measureLink,
  type SchemeSpeed,
} from './app/measure-link.ts';
export { type MeasuredSteps, type MeasureStepsOptions, measureSteps } from './app/measure-steps.ts';
export {
  type InspectedModel,
  inspectModel,
  listModels,
  type PairedModel,
  type PullModelsOptions,
  pullModels,
  type VerifiedModel,
  type VerifyModelsOptions,
  verifyModels,
} from './app/models.ts';
export { type OpenEngineOptions, openEngine } from './app/open-engine.ts';
export type { PairOptions } from './app/pair-options.ts';
export type { QuestionOptions } from './app/questions/load-questions.ts';
export type { QuestionRunOptions } from './app/questions/question-run.ts';
export { type Recosted, type RecostedRun, type RecostOptions, recost } from './app/recost.ts';
export { type RunHubOptions, type RunningHub, runHub } from './app/run-hub.ts';
export { type RunningServer, type RunServerOptions, runServer } from './app/run-server.ts';
export { type Trained, train } from './app/train.ts';
export { type RewardTraining, trainReward } from './app/train-reward.ts';
export {
  type WriteReportOptions,
  type WrittenReport,
  writeReport,
} from './app/write-report.ts';
export type { EnsureModelOptions } from './catalog/catalog-context.ts';
export type { LocalModel } from './catalog/find-model.ts';
export type { LinkRates } from './channel/direction.ts';
export type { LinkMap, MapCell } from './channel/link-map.ts';
export type { RadioChannel } from './channel/radio.ts';
export type { ChatMessage } from './core/chat-message.ts';
export { ERROR_CODES, type ErrorCode, PilotfishError } from './core/errors.ts';
export type {
  DraftEvent,
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
export type { OnNotice, OnProgress, Progress, Progressing } from './core/progress.ts';
export type { SamplingParams } from './core/sampling-params.ts';
export type { TokenId } from './core/token-id.ts';
export { Engine, type EngineOptions } from './engine/engine.ts';
export type { GenerateRequest } from './engine/request.ts';
export type { EvaluationResult, PointResult } from './evaluation/results.ts';
export type { LiveCheck } from './evaluation/run/check-live.ts';
export type { GrammarRequest } from './grammar/grammar-request.ts';
export type { Calibration } from './judging/calibration.ts';
export type { Gate, GateContext } from './judging/gate.ts';
export type { RewardFeatures } from './judging/reward-features.ts';
export type { RewardHead } from './judging/reward-head.ts';
export type { Router } from './judging/router.ts';
export type { RouterFeatures } from './judging/router-features.ts';
export type { UhlmFit } from './judging/uhlm-fit.ts';
export { type Advice, type CostScenario, costAdvice } from './machines/advise.ts';
export type { CostModel } from './machines/cost-model.ts';
export type { ForwardCosts } from './machines/forward-costs.ts';
export { KNOWN_MACHINES } from './machines/known-machines.ts';
export type { MachineProfile } from './machines/machine-profile.ts';
export { profileCosts } from './machines/profile-costs.ts';
export { type LlamaCppModel, type LoadOptions, loadModel } from './model/llama-cpp/model.ts';
export { type ModelFileFacts, readModelFile } from './model/llama-cpp/model-file.ts';
export type { LanguageModel, Sequence, Vocabulary } from './model/roles.ts';
export type { SessionCapabilities, SessionNeeds } from './session/capabilities.ts';
export type { RemoteFacts, RemoteModel } from './session/remote-model.ts';
export type { RowsRequest, Session, SessionRequest, WriteRequest } from './session/session.ts';
export type { Method, StrategyValue, ThresholdFacts, Unit } from './strategy/method.ts';
export { METHODS } from './strategy/methods.ts';
export type { RsdOptions } from './strategy/rsd-options.ts';
export type { SampleOptions } from './strategy/samples.ts';
export type { StepLimits } from './strategy/step-boundary.ts';
export type { SpeculativeOptions, StrategyOptions } from './strategy/strategy-options.ts';
export { parseStrategy, type StrategyInput, strategyValue } from './strategy/strategy-value.ts';
export { tokenMethod } from './strategy/token-routing.ts';
export type { FitSettings } from './training/fit/fit-router.ts';
export type { Objective } from './training/labels/targets.ts';
export type { RoundReport } from './training/rounds/train-router.ts';
