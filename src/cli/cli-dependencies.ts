/** The functions that the commands need of the rest of the program, as one object that tests replace. */
import type { AdviceReport } from '../app/advice/advice-report.ts';
import type { AdviseOptions } from '../app/advise.ts';
import type { Calibrated, CalibrateOptions } from '../app/calibrate.ts';
import type { Evaluated, EvaluateOptions } from '../app/evaluate.ts';
import type { UhlmFitting } from '../app/fit-uhlm.ts';
import type { GradedLine, GradeLinesOptions } from '../app/grade-lines.ts';
import type { FitUhlmOptions } from '../app/heads/fit-settings.ts';
import type { TrainRewardOptions } from '../app/heads/reward-settings.ts';
import type { TrainOptions } from '../app/heads/train-settings.ts';
import type { MachineFacts } from '../app/inspect-machine.ts';
import type { MeasuredLink, MeasureLinkOptions } from '../app/measure-link.ts';
import type { MeasuredSteps, MeasureStepsOptions } from '../app/measure-steps.ts';
import type { OpenEngineOptions } from '../app/open-engine.ts';
import type { Recosted, RecostOptions } from '../app/recost.ts';
import type { RunHubOptions, RunningHub } from '../app/run-hub.ts';
import type { RunningServer, RunServerOptions } from '../app/run-server.ts';
import type { Trained } from '../app/train.ts';
import type { RewardTraining } from '../app/train-reward.ts';
import type { WriteReportOptions, WrittenReport } from '../app/write-report.ts';
import type { EnsureModelOptions } from '../catalog/ensure-model.ts';
import type { ModelLabel } from '../core/model-id.ts';
import type { Engine } from '../engine/engine.ts';
import type { Method, StrategyValue } from '../strategy/method.ts';
import type { StrategyOptions } from '../strategy/strategy-options.ts';

/** The engine as commands use it. */
export type CliEngine = Pick<Engine, 'generate'> & AsyncDisposable;

export interface CliDependencies {
  readonly version: string;
  readonly methods: readonly Method[];
  /** @throws PilotfishError `strategy-unknown`, `threshold-invalid` */
  readonly parseStrategy: (text: string) => StrategyValue;
  /** The models that a strategy loads. @throws PilotfishError `option-invalid` */
  readonly labelsOf: (strategy: StrategyValue, options: StrategyOptions) => readonly ModelLabel[];
  readonly openEngine: (options: OpenEngineOptions) => Promise<CliEngine>;
  readonly runHub: (options: RunHubOptions) => Promise<RunningHub>;
  readonly runServer: (options: RunServerOptions) => Promise<RunningServer>;
  readonly measureSteps: (options: MeasureStepsOptions) => Promise<MeasuredSteps>;
  readonly measureLink: (options: MeasureLinkOptions) => Promise<MeasuredLink>;
  readonly drawLinkMap: (measured: MeasuredLink, path: string) => Promise<void>;
  readonly recost: (options: RecostOptions) => Promise<Recosted>;
  readonly evaluate: (options: EvaluateOptions) => Promise<Evaluated>;
  readonly advise: (options: AdviseOptions) => Promise<AdviceReport>;
  readonly calibrate: (options: CalibrateOptions) => Promise<Calibrated>;
  readonly drawCalibration: (calibrated: Calibrated, path: string) => Promise<void>;
  readonly train: (options: TrainOptions) => Promise<Trained>;
  readonly trainReward: (options: TrainRewardOptions) => Promise<RewardTraining>;
  readonly fitUhlm: (options: FitUhlmOptions) => Promise<UhlmFitting>;
  readonly writeReport: (options: WriteReportOptions) => Promise<WrittenReport>;
  readonly gradeLines: (options: GradeLinesOptions) => AsyncIterable<GradedLine>;
  readonly inspectMachine: (options: EnsureModelOptions) => Promise<MachineFacts>;
}
