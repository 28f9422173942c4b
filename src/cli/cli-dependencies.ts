/** What the commands need of the rest of the program, as one object that tests replace. */
import type { EngineEvent, ModelRole } from '../core/events.ts';
import type { OnNotice, OnProgress } from '../core/progress.ts';
import type { GenerateRequest } from '../engine/request.ts';
import type { ParsedStrategy, StrategyInfo, StrategyOptions } from '../strategy/registry.ts';
import type { InspectMachineOptions, MachineFacts } from './machine-facts.ts';

export interface OpenEngineOptions {
  readonly pair?: string;
  readonly small?: string;
  readonly large?: string;
  readonly strategies?: readonly string[];
  readonly contextLength?: number;
  readonly threadCount?: number;
  readonly home?: string;
  readonly offline?: boolean;
  readonly speculative?: {
    readonly proposer?: 'auto' | 'small' | 'prompt-lookup';
    readonly verifier?: 'coupling' | 'rejection';
    readonly draftLength?: 'auto' | number;
  };
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
  readonly onNotice?: OnNotice;
}

export interface Engine extends AsyncDisposable {
  generate(request: GenerateRequest): AsyncIterable<EngineEvent>;
}

export interface CliDependencies {
  readonly version: string;
  readonly strategies: readonly StrategyInfo[];
  /** @throws PilotfishError `strategy-unknown`, `threshold-invalid` */
  readonly parseStrategy: (text: string) => ParsedStrategy;
  /** The models that a strategy loads. @throws as `parseStrategy` */
  readonly rolesOf: (strategy: string, options: StrategyOptions) => readonly ModelRole[];
  readonly openEngine: (options: OpenEngineOptions) => Promise<Engine>;
  readonly inspectMachine: (
    options: Omit<InspectMachineOptions, 'inspectLibrary'>,
  ) => Promise<MachineFacts>;
}
