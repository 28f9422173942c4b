/** An engine that plays given tokens, and records its requests. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { gradeLines } from '../../src/app/grade-lines.ts';
import type { MachineFacts } from '../../src/app/inspect-machine.ts';
import type { OpenEngineOptions } from '../../src/app/open-engine.ts';
import type { CliDependencies, CliEngine } from '../../src/cli/cli-dependencies.ts';
import { throwIfAborted } from '../../src/core/errors.ts';
import type {
  EngineEvent,
  ModelCostFacts,
  Origin,
  SummaryEvent,
  TokenEvent,
} from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import { modelsById } from '../../src/core/model-id.ts';
import { GREEDY } from '../../src/core/sampling-params.ts';
import { tokenId } from '../../src/core/token-id.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import { asStrategy, labelsOf, parseStrategy } from '../../src/strategy/strategy-value.ts';

export type ScriptedToken = readonly [text: string, origin: Origin, verified: boolean];

export interface Script {
  readonly tokens: readonly ScriptedToken[];
  /** Thrown after the tokens instead of a summary. */
  readonly failure?: unknown;
  readonly tokenDelayMs?: number;
  /** From this token on no token comes until the request is aborted. */
  readonly heldFrom?: number;
  /** Called before each token, with its index. */
  readonly beforeToken?: (index: number) => void;
  readonly summary?: Partial<SummaryEvent>;
  /** Drafts before the first token, for requests that want them. */
  readonly drafts?: readonly string[];
}

export interface ScriptedRequest extends GenerateRequest {
  readonly strategy: string;
}

export interface ScriptedOpening extends OpenEngineOptions {
  readonly strategies: readonly string[];
}

export interface ScriptedDependencies extends CliDependencies {
  /** The openings, with the texts of their strategies. */
  readonly opened: ScriptedOpening[];
  readonly requests: ScriptedRequest[];
  readonly disposedCount: () => number;
}

export const HEALTHY_MACHINE: MachineFacts = {
  nodeVersion: '20.19.0',
  platform: 'linux-x64',
  cpuCount: 2,
  threads: [],
  availableMemoryBytes: 8e9,
  library: {
    path: '/lib/libllama.so',
    version: 'b1234',
    knownBuild: true,
    cpuVariant: 'haswell',
    problem: null,
  },
  home: '/home/fish/.cache/pilotfish',
  homeProblem: null,
  freeDiskBytes: 50e9,
  pair: 'tiny',
  models: [
    { name: 'tiny-small', bytes: 4e8, path: '/models/small.gguf', problem: null },
    { name: 'tiny-large', bytes: 1e9, path: '/models/large.gguf', problem: null },
  ],
  pip: 'python3 -m pip',
  servers: [],
  hubEndpoint: null,
  hasHubToken: false,
  isOffline: false,
};

export function tokenEvent(index: number, [text, origin, verified]: ScriptedToken): TokenEvent {
  return {
    type: 'token',
    index,
    tokenId: tokenId(index),
    text,
    origin,
    verified,
    proposedTokenId: null,
    score: null,
    logprob: null,
    round: index,
    elapsedMs: index * 10,
  };
}

export function summaryEvent(script: Script): SummaryEvent {
  const { tokens } = script;
  const share = (count: number): number => (tokens.length === 0 ? 0 : count / tokens.length);
  return {
    type: 'summary',
    text: tokens.map(([text]) => text).join(''),
    finishReason: 'end-of-generation',
    elapsedMs: 2000,
    firstTokenMs: 250,
    queuedMs: 0,
    notes: [],
    tokenCount: tokens.length,
    largeShare: share(tokens.filter(([, origin]) => origin === 'large').length),
    verifiedShare: share(tokens.filter(([, , verified]) => verified).length),
    stepCount: null,
    rejectedShare: null,
    smallForwards: tokens.length,
    largeForwards: 3,
    weightTrafficBytes: 12.3e9,
    writtenFlops: 2.6e12,
    generatedFlops: 3.1e12,
    processedFlops: 9.3e12,
    weightTrafficRatio: 0.414,
    writtenFlopsRatio: 0.31,
    generatedFlopsRatio: 0.37,
    processedFlopsRatio: 1.1,
    price: null,
    priceRatio: null,
    linkBytesUp: 0,
    linkBytesDown: 0,
    reusedRowCount: 0,
    computeMs: 1900,
    waitedMs: 5,
    models: {},
    ...script.summary,
  };
}

const ROOM = { prefillChunkRowCount: 512, prices: null };
const SMALL: ModelCostFacts = {
  ...{ name: 'tiny-small', parameterCounts: { body: 10, outputHead: 2 } },
  ...{ weightBytes: 12, kvBytesPerToken: 1, ...ROOM },
};
const LARGE: ModelCostFacts = {
  ...{ name: 'tiny-large', parameterCounts: { body: 100, outputHead: 20 } },
  ...{ weightBytes: 120, kvBytesPerToken: 2, ...ROOM },
};

export function startEvent(request: ScriptedRequest): EngineEvent & { type: 'start' } {
  return {
    type: 'start',
    version: 2,
    ...modelsById({ small: SMALL, large: LARGE }),
    strategy: request.strategy,
    thresholds: {},
    sampling: { ...GREEDY, ...request.sampling },
    seed: request.seed ?? 0,
    promptTokenCount: 5,
    maxTokens: request.maxTokens ?? 512,
    contextLength: 4096,
  };
}

async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted !== true) await once(required(signal, 'it can be aborted'), 'abort');
}

async function* play(script: Script, request: ScriptedRequest): AsyncGenerator<EngineEvent> {
  yield startEvent(request);
  for (const text of request.drafts === true ? (script.drafts ?? []) : []) {
    yield { type: 'draft', text, round: 0, elapsedMs: 0 };
  }
  for (const [index, token] of script.tokens.entries()) {
    script.beforeToken?.(index);
    if (script.tokenDelayMs !== undefined) await sleep(script.tokenDelayMs);
    if (index === script.heldFrom) await aborted(request.signal);
    throwIfAborted(request.signal);
    yield tokenEvent(index, token);
  }
  if (script.failure !== undefined) throw script.failure;
  yield summaryEvent(script);
}

/** Every request is answered with the script that `choose` gives for it. */
export function scriptedDependencies(
  choose: (request: ScriptedRequest, index: number) => Script,
): ScriptedDependencies {
  const opened: ScriptedOpening[] = [];
  const requests: ScriptedRequest[] = [];
  let disposed = 0;
  const openEngine = async (options: OpenEngineOptions): Promise<CliEngine> => {
    throwIfAborted(options.signal);
    const strategies = (options.strategies ?? []).map((one) => asStrategy(one).text);
    opened.push({ ...options, strategies });
    return {
      generate: (given) => {
        const request = { ...given, strategy: asStrategy(given.strategy ?? 'small').text };
        requests.push(request);
        return play(choose(request, requests.length - 1), request);
      },
      [Symbol.asyncDispose]: async () => {
        disposed += 1;
      },
    };
  };
  return {
    version: '9.9.9',
    methods: METHODS,
    parseStrategy,
    labelsOf,
    openEngine,
    gradeLines,
    runHub: () => Promise.reject(new Error('the script runs no hub')),
    runServer: () => Promise.reject(new Error('the script runs no server')),
    measureSteps: () => Promise.reject(new Error('the script measures nothing')),
    measureLink: () => Promise.reject(new Error('the script measures no link')),
    drawLinkMap: () => Promise.resolve(),
    recost: () => Promise.reject(new Error('the script re-costs nothing')),
    advise: () => Promise.reject(new Error('the script gives no advice')),
    writeReport: () => Promise.reject(new Error('the script writes no report')),
    calibrate: () => Promise.reject(new Error('the script calibrates nothing')),
    drawCalibration: () => Promise.resolve(),
    train: () => Promise.reject(new Error('the script trains nothing')),
    trainReward: () => Promise.reject(new Error('the script trains nothing')),
    fitUhlm: () => Promise.reject(new Error('the script fits nothing')),
    evaluate: () => Promise.reject(new Error('the script evaluates nothing')),
    inspectMachine: async () => HEALTHY_MACHINE,
    opened,
    requests,
    disposedCount: () => disposed,
  };
}
