/**
 * Drafts steps of the small model and scores them: the best of several, ended early where that is
 * certain to be in vain.
 */
import { definedFields } from '../core/defined-fields.ts';
import { required } from '../core/invariant.ts';
import type { ModelRole } from '../core/model-id.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import { joinReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import { readBy, type StepReward, type StepScorer } from '../judging/step-reward.ts';
import type { Session } from '../session/session.ts';
import { beginReward } from './begin-reward.ts';
import { repeatsBefore } from './repeated-step.ts';
import type { RsdOptions } from './rsd-options.ts';
import { drawOf, type SampleOptions, sideBySide } from './samples.ts';
import { STEP_LIMITS } from './step-boundary.ts';
import type { Round, StrategyContext } from './strategy.ts';
import { writeStep } from './write-step.ts';

/** A step, and the model that wrote it. */
export interface JudgedStep {
  readonly rows: readonly RowResult[];
  readonly origin: ModelRole;
}

export interface DraftedSteps extends JudgedStep {
  /** The reward; of a draft that was ended early, the last running one. */
  readonly score: number;
  /** Whether the draft was written to its end. */
  readonly isWhole: boolean;
}

export interface DrafterOptions extends RsdOptions {
  readonly samples?: SampleOptions | undefined;
  /** Whether a step with at most this reward is certain to be rejected. */
  readonly isHopeless: (reward: number) => boolean;
}

export class StepDrafter {
  readonly #context: StrategyContext;
  readonly #reward: StepReward;
  readonly #scorer: StepScorer;
  readonly #options: DrafterOptions;
  /** The steps of the answer so far. */
  readonly #steps: (readonly TokenId[])[] = [];
  #repeatedCount = 0;
  #cutCount = 0;
  #endedCount = 0;

  constructor(context: StrategyContext, reward: StepReward, options: DrafterOptions) {
    this.#context = context;
    this.#reward = reward;
    this.#scorer = beginReward(reward, context);
    this.#options = options;
  }

  /** The draft with the best reward; of equally good ones the first. */
  async draft(round: Round): Promise<DraftedSteps> {
    const { draftCount = 1 } = this.#options;
    const small = this.#context.session('small');
    const drafts = await sideBySide(small, draftCount, (session, index) =>
      this.#write(round, session, index),
    );
    const scores = new Map<string, number>();
    let best: DraftedSteps | null = null;
    for (const { rows, running } of drafts) {
      const key = keyOf(rows);
      const score = running ?? scores.get(key) ?? (await this.#score(round, rows));
      scores.set(key, score);
      if (best !== null && best.score >= score) continue;
      best = { rows, origin: 'small', score, isWhole: running === null };
    }
    return required(best, 'there is a draft');
  }

  /** The reward of a step that another model wrote: the small model reads it as if it were its own. */
  async scoreGiven(round: Round, step: readonly RowResult[]): Promise<number> {
    const text = textAfter(round, step);
    const { logprob = false, ...others } = this.#reward.draftReads;
    const reads = joinReads(others, { textLogprob: logprob });
    const rows = await readBy(this.#context.session('small'), { text, rows: step }, reads);
    const asDrafted = rows.map(
      ({ entropy, margin, topLogprobs, distribution, hidden, textLogprob }, index): RowResult => ({
        ...{ ...NOTHING_READ, entropy, margin, topLogprobs, distribution, hidden },
        tokenId: required(step[index], 'a row for every token').tokenId,
        logprob: textLogprob,
      }),
    );
    return await this.#score(round, asDrafted);
  }

  /** Remembers a step that the answer goes on with. */
  commit(step: readonly RowResult[]): void {
    this.#steps.push(step.map(({ tokenId }) => tokenId));
  }

  notes(): readonly string[] {
    const { stepTokenCountMax = STEP_LIMITS.stepTokenCountMax } = this.#options;
    const notes: readonly (readonly [count: number, what: string])[] = [
      [this.#repeatedCount, 'repeated the two steps before them, and so had the reward 0'],
      [this.#cutCount, `did not end within ${stepTokenCountMax} tokens, and were cut there`],
      [this.#endedCount, 'were ended early'],
    ];
    return notes.flatMap(([count, what]) => (count === 0 ? [] : [`drafts that ${what}: ${count}`]));
  }

  async #write(round: Round, session: Session, index: number): Promise<Draft> {
    const { samples = {}, endsDraftsEarly, isHopeless } = this.#options;
    const follow = endsDraftsEarly === true ? this.#reward.running?.(this.#context) : undefined;
    const shown: TokenId[] = [];
    let running: number | null = null;
    const rows = await writeStep('small', round, this.#context, {
      ...this.#options,
      ...drawOf(index, this.#context, samples),
      session,
      reads: this.#reward.draftReads,
      onRow: (row) => {
        shown.push(row.tokenId);
        if (index === 0) this.#context.showDraft?.([...shown]);
        const reward = follow?.(row);
        if (reward === undefined || !isHopeless(reward)) return false;
        running = reward;
        return true;
      },
    });
    if (running !== null) this.#endedCount += 1;
    else if (this.#isCut(round, rows)) this.#cutCount += 1;
    return { rows, running };
  }

  /** Whether a step ended only because it was long. */
  #isCut({ tokenCountMax }: Round, rows: readonly RowResult[]): boolean {
    const { stepTokenCountMax, separators } = { ...STEP_LIMITS, ...definedFields(this.#options) };
    if (rows.length < stepTokenCountMax || rows.length === tokenCountMax) return false;
    const { tokenBytes, isEndOfGeneration, stops } = this.#context;
    const text = Buffer.concat(rows.map(({ tokenId }) => tokenBytes(tokenId))).toString('utf8');
    if ([...separators, ...stops].some((end) => text.includes(end))) return false;
    return !rows.some(({ tokenId }) => isEndOfGeneration(tokenId));
  }

  async #score(round: Round, rows: readonly RowResult[]): Promise<number> {
    const step = rows.map(({ tokenId }) => tokenId);
    if (repeatsBefore(step, this.#steps)) {
      this.#repeatedCount += 1;
      return 0;
    }
    return await this.#scorer.score({ text: textAfter(round, rows), rows });
  }
}

interface Draft {
  readonly rows: readonly RowResult[];
  /** The running reward at which the draft was ended; null: it was not. */
  readonly running: number | null;
}

function textAfter({ text }: Round, step: readonly RowResult[]): readonly TokenId[] {
  return [...text, ...step.map(({ tokenId }) => tokenId)];
}

function keyOf(step: readonly RowResult[]): string {
  return step.map(({ tokenId }) => tokenId).join(' ');
}
