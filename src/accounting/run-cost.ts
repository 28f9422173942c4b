/**
 * The accounting: a fold of a log's events into the several honest faces of cost. Routing saves
 * forwards of the large model, but not the reading of tokens: the large model still reads each token
 * once, as catch-up. One number would mislead, so these faces are kept apart, for each model and
 * summed over all of them:
 *
 *    large share       who wrote the text
 *    weight traffic    Σ forwards x weight bytes: decides time where decoding waits for memory
 *    written FLOPs     2·N per token written, discarded drafts included
 *    generated FLOPs   2·N per token written or scored: the papers' convention
 *    processed FLOPs   2·N per row processed, the output head for output rows only
 *    price             rows processed and tokens written or scored, at the user's prices; of a model
 *                      on a server: the tokens that it bills
 *
 * Written and generated FLOPs differ where a model reads the drafts of another: as the verifier of
 * speculation, or as a reward. Its rows score tokens that are there already.
 *
 * Ratios are relative to the large model alone on the same tokens: the prompt is prefilled once in
 * the same chunks (without its last token), then one forward of one row follows for every emitted
 * token. The prefix cache would have saved it as many rows as it saved either model of the pair: in a
 * chat, its cache would have held the whole conversation.
 */
import type {
  BilledTokens,
  EngineEvent,
  ModelCost,
  ModelCostFacts,
  RunCost,
  StartEvent,
  TokenEvent,
  TokenPrices,
  WorkEvent,
} from '../core/events.ts';
import { required } from '../core/invariant.ts';
import type { ModelId, ModelLabel } from '../core/model-id.ts';

/** The FLOPs of one parameter for one row: a multiplication and an addition. */
const FLOPS_PER_PARAMETER = 2;

/** The total work of one model. */
type Work = {
  -readonly [K in Exclude<keyof ModelCost, keyof Faces | 'billed'>]: number;
} & { billed: BilledTokens | null };

type Faces = Pick<
  ModelCost,
  'weightTrafficBytes' | 'writtenFlops' | 'generatedFlops' | 'processedFlops' | 'price'
>;

function noWork(): Work {
  return {
    forwardCount: 0,
    rowCount: 0,
    outputRowCount: 0,
    writtenTokenCount: 0,
    reusedRowCount: 0,
    billed: null,
    bytesUp: 0,
    bytesDown: 0,
    computeMs: 0,
    waitedMs: 0,
  };
}

/** Adds up events; `cost()` may be called at any time. */
export class RunCostFold {
  readonly #start: StartEvent;
  readonly #work: ReadonlyMap<ModelId, Work>;
  #tokenCount = 0;
  #largeCount = 0;
  #verifiedCount = 0;
  #stepCount = 0;
  #rejectedCount = 0;
  /** The round of the last token: a strategy of steps commits one step a round. */
  #round: number | null = null;

  constructor(start: StartEvent) {
    this.#start = start;
    this.#work = new Map(Object.keys(start.models).map((id) => [id, noWork()]));
  }

  /** @throws InvariantError for work of a model that `start` does not name */
  add(event: EngineEvent): void {
    if (event.type === 'token') this.#addToken(event);
    if (event.type === 'work') this.#addWork(event);
  }

  cost(): RunCost {
    const costs = [...this.#work].map(([id, work]) => [id, this.#costOf(id, work)] as const);
    const all = costs.map(([, cost]) => cost);
    const total = (amount: Exclude<keyof ModelCost, 'billed'>): number =>
      all.reduce((sum, cost) => sum + (cost[amount] ?? 0), 0);
    const alone = this.#largeAlone();
    const ratio = (face: keyof Faces): number | null => {
      const aloneAmount = alone?.[face] ?? 0;
      return aloneAmount > 0 ? total(face) / aloneAmount : null;
    };
    return {
      models: Object.fromEntries(costs),
      tokenCount: this.#tokenCount,
      largeShare: share(this.#largeCount, this.#tokenCount),
      verifiedShare: share(this.#verifiedCount, this.#tokenCount),
      ...this.#steps(),
      smallForwards: this.#workOf('small')?.forwardCount ?? 0,
      largeForwards: this.#workOf('large')?.forwardCount ?? 0,
      weightTrafficBytes: total('weightTrafficBytes'),
      writtenFlops: total('writtenFlops'),
      generatedFlops: total('generatedFlops'),
      processedFlops: total('processedFlops'),
      weightTrafficRatio: ratio('weightTrafficBytes'),
      writtenFlopsRatio: ratio('writtenFlops'),
      generatedFlopsRatio: ratio('generatedFlops'),
      processedFlopsRatio: ratio('processedFlops'),
      price: all.some(({ price }) => price !== null) ? total('price') : null,
      priceRatio: ratio('price'),
      linkBytesUp: total('bytesUp'),
      linkBytesDown: total('bytesDown'),
      reusedRowCount: this.#reusedRowCount(),
      computeMs: total('computeMs'),
      waitedMs: total('waitedMs'),
    };
  }

  #addToken(event: TokenEvent): void {
    this.#tokenCount += 1;
    if (event.origin === 'large') this.#largeCount += 1;
    if (event.verified) this.#verifiedCount += 1;
    if (event.round === this.#round) return;
    this.#round = event.round;
    this.#stepCount += 1;
    if (event.origin === 'large') this.#rejectedCount += 1;
  }

  #steps(): Pick<RunCost, 'stepCount' | 'rejectedShare'> {
    if (this.#start.unit !== 'step') return { stepCount: null, rejectedShare: null };
    return {
      stepCount: this.#stepCount,
      rejectedShare: share(this.#rejectedCount, this.#stepCount),
    };
  }

  #addWork(event: WorkEvent): void {
    const work = required(this.#work.get(event.model), `${event.model} is a model of the run`);
    work.forwardCount += event.rowCounts.length;
    work.rowCount += event.rowCounts.reduce((sum, rows) => sum + rows, 0);
    work.outputRowCount += event.outputRowCount;
    work.writtenTokenCount += writtenTokenCount(event);
    work.reusedRowCount += event.reusedRowCount;
    work.bytesUp += event.bytesUp;
    work.bytesDown += event.bytesDown;
    work.computeMs += event.computeMs;
    work.waitedMs += event.waitedMs;
    if (event.billed !== undefined) work.billed = addBilled(work.billed, event.billed);
  }

  #workOf(label: ModelLabel): Work | undefined {
    const id = this.#start.labels[label];
    return id === undefined ? undefined : this.#work.get(id);
  }

  /**
   * Other models read other texts, so their saved rows say nothing about the prompt. A cache can hold
   * more than the prompt: another request's answer that begins like this one.
   */
  #reusedRowCount(): number {
    const [small, large] = [this.#workOf('small'), this.#workOf('large')];
    const saved = Math.max(small?.reusedRowCount ?? 0, large?.reusedRowCount ?? 0);
    return Math.min(this.#promptRowCount(), saved);
  }

  /** The last token of the prompt is read with the first output. */
  #promptRowCount(): number {
    return Math.max(0, this.#start.promptTokenCount - 1);
  }

  /** The cost of the large model alone for the same tokens; null if there is no large model. */
  #largeAlone(): ModelCost | null {
    const id = this.#start.labels.large;
    if (id === undefined) return null;
    const prefillRows = this.#promptRowCount() - this.#reusedRowCount();
    const prefillForwards = Math.ceil(prefillRows / this.#factsOf(id).prefillChunkRowCount);
    return this.#costOf(id, {
      ...noWork(),
      forwardCount: prefillForwards + this.#tokenCount,
      rowCount: prefillRows + this.#tokenCount,
      outputRowCount: this.#tokenCount,
      writtenTokenCount: this.#tokenCount,
      billed: this.#factsOf(id).isBilled === true ? this.#callAlone() : null,
    });
  }

  /** One call, whose prompt the server's cache holds as far as it did at the beginning of this request. */
  #callAlone(): BilledTokens {
    const inputCount = this.#start.promptTokenCount;
    const cachedCount = Math.min(inputCount, this.#workOf('large')?.reusedRowCount ?? 0);
    return { callCount: 1, inputCount, cachedCount, outputCount: this.#tokenCount };
  }

  #factsOf(id: ModelId): ModelCostFacts {
    return required(this.#start.models[id], `${id} is a model of the run`);
  }

  #costOf(id: ModelId, work: Work): ModelCost {
    const { parameterCounts, weightBytes, prices } = this.#factsOf(id);
    const { body, outputHead } = parameterCounts;
    const { forwardCount, rowCount, outputRowCount, writtenTokenCount: written } = work;
    return {
      ...work,
      weightTrafficBytes: forwardCount * weightBytes,
      writtenFlops: FLOPS_PER_PARAMETER * written * (body + outputHead),
      generatedFlops: FLOPS_PER_PARAMETER * outputRowCount * (body + outputHead),
      processedFlops: FLOPS_PER_PARAMETER * (rowCount * body + outputRowCount * outputHead),
      price: prices === null ? null : priceOf(work, prices),
    };
  }
}

function priceOf({ billed, rowCount, outputRowCount }: Work, prices: TokenPrices): number {
  const { inputPerMillion, outputPerMillion, cachedInputPerMillion = inputPerMillion } = prices;
  // Without a server's bill, every row counts.
  const { inputCount, cachedCount, outputCount } = billed ?? {
    ...{ inputCount: rowCount, cachedCount: 0, outputCount: outputRowCount },
  };
  const input = (inputCount - cachedCount) * inputPerMillion + cachedCount * cachedInputPerMillion;
  return (input + outputCount * outputPerMillion) / 1e6;
}

function addBilled(before: BilledTokens | null, more: BilledTokens): BilledTokens {
  if (before === null) return more;
  return {
    callCount: before.callCount + more.callCount,
    inputCount: before.inputCount + more.inputCount,
    cachedCount: before.cachedCount + more.cachedCount,
    outputCount: before.outputCount + more.outputCount,
  };
}

/**
 * A verification scores the drafts and writes the token behind those that hold. A reward writes nothing.
 * Any other output row writes a token.
 */
function writtenTokenCount({ purpose, outputRowCount }: WorkEvent): number {
  if (purpose === 'reward') return 0;
  return purpose === 'verify' ? Math.min(1, outputRowCount) : outputRowCount;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Recomputes the cost of a run from its log. */
export function foldRunCost(start: StartEvent, events: Iterable<EngineEvent>): RunCost {
  const fold = new RunCostFold(start);
  for (const event of events) fold.add(event);
  return fold.cost();
}
