/** The plan of a simulation: a random load with its faults. */
import fc from 'fast-check';
import type { ModelRole } from '../../src/core/model-id.ts';
import type { RsdOptions } from '../../src/strategy/rsd-options.ts';
import type { SampleOptions } from '../../src/strategy/samples.ts';
import type { SpeculativeOptions } from '../../src/strategy/strategy-options.ts';
import type { FailureKind } from './observed-model.ts';

export type Trouble =
  | { readonly kind: 'none' }
  /** The request is cancelled, or out of time, this many steps after its arrival. */
  | { readonly kind: 'abort' | 'deadline'; readonly after: number }
  /** The reader leaves after this many events. */
  | { readonly kind: 'leave'; readonly events: number }
  /** The reader stops reading for a long time. */
  | { readonly kind: 'slow'; readonly events: number; readonly steps: number };

export interface RequestPlan {
  readonly prompt: string;
  readonly strategy: string;
  readonly seed: number;
  readonly temperature: number;
  readonly isPenalised: boolean;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly reusePrefix: boolean;
  readonly drafts: boolean;
  /** The step at which the request arrives. */
  readonly arrivesAt: number;
  readonly trouble: Trouble;
}

export interface ForwardFailure {
  readonly role: ModelRole;
  /** The failing forward, counted from the first forward of that model. */
  readonly forward: number;
  readonly kind: FailureKind;
}

export interface EnginePlan {
  readonly contextLength: Readonly<Record<ModelRole, number>>;
  /** Cells beyond one context. */
  readonly extraCellCount: Readonly<Record<ModelRole, number>>;
  readonly rowCountMax: number;
  readonly sequenceCountMax: number;
  readonly requestCountMax: number;
  readonly overcommit: number;
  readonly speculative: SpeculativeOptions;
  readonly steps: RsdOptions;
  readonly samples: SampleOptions;
}

/** The whole engine or only its large model is closed during the run. */
export interface Closing {
  readonly what: 'engine' | 'large';
  readonly at: number;
}

export interface Plan {
  /** Whether requests open branches, whose forwards run side by side. */
  readonly branches: boolean;
  readonly engine: EnginePlan;
  readonly requests: readonly RequestPlan[];
  readonly failures: readonly ForwardFailure[];
  readonly closing: Closing | null;
  /** The numbers of scheduled tasks that run before all ready continuations run, in a cycle. */
  readonly bursts: readonly number[];
}

const BEGINNINGS = ['abcabcabcabcabc', 'abcabcabckjihg', 'kjihgfedcba', 'ddddddddddd', ''];
const TAILS = ['a', 'bc', 'fgh', 'abcab', 'kkkkkk'];
const STRATEGIES = [
  'small',
  'large',
  'entropy@1.5',
  'margin@0.5',
  'random@0.5',
  'speculative',
  'speculative',
  'rsd-likelihood@0.5',
  'random-step@0.5',
];
/** Strategies that open branches, for which small caches have no room. */
const BRANCHING = [...STRATEGIES, 'rsd-likelihood@0.5', 'majority', 'best-of-n-likelihood'];
/** The branches of one request, and the session that they leave. */
export const WIDTH = 3;

const anyPrompt = fc
  .tuple(fc.constantFrom(...BEGINNINGS), fc.array(fc.constantFrom(...TAILS), { maxLength: 2 }))
  .map(([beginning, tails]) => [beginning, ...tails].join('') || 'a');

const anyTrouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 10, arbitrary: fc.constant({ kind: 'none' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('abort' as const, 'deadline' as const),
      after: fc.nat({ max: 60 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('leave' as const), events: fc.nat({ max: 12 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('slow' as const),
      events: fc.nat({ max: 12 }),
      steps: fc.integer({ min: 20, max: 200 }),
    }),
  },
);

const anyRequest: fc.Arbitrary<RequestPlan> = fc.record({
  prompt: anyPrompt,
  strategy: fc.constantFrom(...STRATEGIES),
  drafts: fc.boolean(),
  seed: fc.nat({ max: 3 }),
  temperature: fc.constantFrom(0, 1),
  isPenalised: fc.boolean(),
  maxTokens: fc.integer({ min: 1, max: 24 }),
  stop: fc.constantFrom([], [], [], ['ab', 'kc']),
  reusePrefix: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.boolean()),
  arrivesAt: fc.oneof(fc.constant(0), fc.nat({ max: 80 })),
  trouble: anyTrouble,
});

const anyEngine: fc.Arbitrary<EnginePlan> = fc.record({
  contextLength: fc.record({
    small: fc.integer({ min: 36, max: 70 }),
    large: fc.integer({ min: 36, max: 70 }),
  }),
  extraCellCount: fc.record({
    small: fc.constantFrom(0, 0, 10, 40, 100),
    large: fc.constantFrom(0, 0, 10, 40, 100),
  }),
  rowCountMax: fc.integer({ min: 5, max: 16 }),
  sequenceCountMax: fc.integer({ min: 1, max: 6 }),
  requestCountMax: fc.integer({ min: 1, max: 5 }),
  overcommit: fc.constantFrom(1, 2, 4, 24),
  speculative: fc.record({
    proposer: fc.constantFrom('small' as const, 'prompt-lookup' as const),
    verifier: fc.constantFrom('coupling' as const, 'rejection' as const),
    draftLength: fc.integer({ min: 1, max: 4 }),
  }),
  steps: fc.record({
    separators: fc.constant(['b', 'k']),
    stepTokenCountMax: fc.integer({ min: 1, max: 5 }),
    judgesCorrections: fc.boolean(),
  }),
  samples: fc.constant({ count: WIDTH }),
});

/** Engines with room for the branches of any request. */
const anyWideEngine: fc.Arbitrary<EnginePlan> = anyEngine.chain((engine) =>
  fc
    .record({
      draftCount: fc.integer({ min: 1, max: WIDTH }),
      more: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ draftCount, more }) => {
      const wider = (role: ModelRole): number =>
        engine.extraCellCount[role] + (WIDTH - 1) * engine.contextLength[role];
      return {
        ...engine,
        steps: { ...engine.steps, draftCount },
        extraCellCount: { small: wider('small'), large: wider('large') },
        sequenceCountMax: WIDTH + more,
        requestCountMax: WIDTH + more,
      };
    }),
);

const anyFailure: fc.Arbitrary<ForwardFailure> = fc.record({
  role: fc.constantFrom('small' as const, 'large' as const),
  forward: fc.nat({ max: 60 }),
  kind: fc.constantFrom('native-failed', 'invariant', 'kv-full'),
});

const anyClosing: fc.Arbitrary<Closing> = fc.record({
  what: fc.constantFrom('engine' as const, 'large' as const),
  at: fc.integer({ min: 1, max: 150 }),
});

export interface PlanOptions {
  /** Whether the plan has no faults. */
  readonly isCalm?: boolean;
  /** Whether strategies open branches. */
  readonly branches?: boolean;
}

export function anyPlan(options: PlanOptions = {}): fc.Arbitrary<Plan> {
  const { isCalm = false, branches = false } = options;
  const asked = branches
    ? fc
        .tuple(anyRequest, fc.constantFrom(...BRANCHING))
        .map(([request, strategy]) => ({ ...request, strategy }))
    : anyRequest;
  const request = isCalm
    ? asked.map((plan) => ({ ...plan, trouble: { kind: 'none' as const } }))
    : asked;
  return fc.record({
    branches: fc.constant(branches),
    engine: branches ? anyWideEngine : anyEngine,
    requests: fc.array(request, { minLength: 2, maxLength: 12, size: 'max' }),
    failures: isCalm ? fc.constant([]) : fc.array(anyFailure, { maxLength: 2 }),
    closing: isCalm
      ? fc.constant(null)
      : fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: anyClosing }),
    bursts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
  });
}
