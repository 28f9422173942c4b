/**
 * Drafts written by the small model, one token at a time. Whether drafting can pay at all is decided
 * before the small model reads the prompt: if even full acceptance loses, it never starts.
 */
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { Session } from '../session/session.ts';
import type { AcceptanceEstimate } from './acceptance-estimate.ts';
import { bestDraftLength, DRAFT_LENGTH_MAX, type SpeculationCosts } from './draft-length.ts';
import type { Draft, DraftLengthChoice, ProposeRequest, Proposer } from './proposer.ts';
import type { VerifierName } from './verifiers.ts';

export interface DraftModelOptions {
  /** The small model's session. It is called when the first draft is written, not before. */
  readonly session: () => Session;
  /**
   * Under shared-noise coupling, drafts use the target's own noise (`sample`), so that they agree as
   * often as possible. Rejection sampling needs independent noise (`draft`) and the distributions of
   * the drafts.
   */
  readonly verifier: VerifierName;
  readonly acceptance: AcceptanceEstimate;
  readonly length: DraftLengthChoice;
  readonly costs: SpeculationCosts | null;
  readonly plan?: DraftPlan | undefined;
}

/** The facts that are known of a request before its first round. */
export interface DraftPlan {
  /** Tokens of the prompt that the small model does not hold yet. */
  readonly unreadLength: number;
  /** The time in ms that the small model takes to read them. */
  readonly readMs: number;
  readonly answerLengthMax: number;
}

/** The reason why the draft model stays off in a request; null if it may run. */
export function reasonAgainstDraftModel(
  costs: SpeculationCosts | null,
  acceptance: number,
  plan?: DraftPlan,
): string | null {
  if (costs === null) return 'step costs were not measured';
  const atBest = bestDraftLength(1, costs, DRAFT_LENGTH_MAX);
  if (atBest.length === 0) {
    return `even with every draft accepted it would run at ${times(atBest.speedup)} of the speed`;
  }
  const expected = bestDraftLength(acceptance, costs, DRAFT_LENGTH_MAX);
  if (expected.length > 0) {
    return plan === undefined ? null : reasonAgainstReading(costs, expected.speedup, plan);
  }
  return (
    `at an acceptance of ${Math.round(acceptance * 100)} % it would run at ` +
    `${times(expected.speedup)} of the speed`
  );
}

/** The small model must read the prompt first, so its savings on the answer must pay for that. */
function reasonAgainstReading(
  costs: SpeculationCosts,
  speedup: number,
  { unreadLength, readMs, answerLengthMax }: DraftPlan,
): string | null {
  const savedMs = answerLengthMax * costs.verifyMs(1) * (1 - 1 / speedup);
  if (savedMs > readMs) return null;
  return (
    `reading ${unreadLength} tokens takes the small model about ${Math.round(readMs)} ms, and an ` +
    `answer of ${answerLengthMax} tokens would save at most ${Math.round(savedMs)} ms`
  );
}

function times(speedup: number): string {
  return `${speedup.toFixed(2)}x`;
}

export class DraftModelProposer implements Proposer {
  readonly #options: DraftModelOptions;
  readonly #off: string | null;
  #draftedCount = 0;
  #acceptedCount = 0;

  constructor(options: DraftModelOptions) {
    this.#options = options;
    this.#off =
      options.length === 'auto'
        ? reasonAgainstDraftModel(options.costs, options.acceptance.value, options.plan)
        : null;
  }

  /** Whether it does not draft at all in this request. */
  get isOff(): boolean {
    return this.#off !== null;
  }

  async propose({ text, lengthMax }: ProposeRequest): Promise<Draft | null> {
    const length = Math.min(this.#length(), lengthMax);
    if (length < 1) return null;
    const isDrawn = this.#options.verifier === 'rejection';
    const rows: RowResult[] = [];
    const written = this.#options.session().write({
      text,
      until: { tokenCountMax: length },
      purpose: 'draft',
      noise: isDrawn ? 'draft' : 'sample',
      reads: { distribution: isDrawn },
    });
    for await (const row of written) rows.push(row);
    this.#draftedCount += rows.length;
    return {
      tokens: rows.map(({ tokenId }) => tokenId),
      origin: 'small',
      distributions: isDrawn
        ? rows.map(({ distribution }) => required(distribution, 'distributions are read'))
        : null,
    };
  }

  observe(draft: Draft, acceptedCount: number): void {
    this.#acceptedCount += acceptedCount;
    this.#options.acceptance.observe(acceptedCount, draft.tokens.length);
  }

  note(): string {
    if (this.#off !== null) return `draft model off: ${this.#off}`;
    return `draft model: ${this.#acceptedCount} of ${this.#draftedCount} drafts accepted`;
  }

  #length(): number {
    const { length, costs, acceptance } = this.#options;
    if (length !== 'auto') return length;
    if (this.#off !== null || costs === null) return 0;
    return bestDraftLength(acceptance.value, costs, DRAFT_LENGTH_MAX).length;
  }
}
