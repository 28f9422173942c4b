/**
 * The accounting: a log of events folded into the several honest faces of cost. Routing spares
 * forwards of the large model, not the reading of tokens (it still reads each once, as catch-up), so
 * one number would mislead; these are kept apart:
 *
 *   large share       who wrote the text
 *   weight traffic    Σ forwards x weight bytes: decides time where decoding waits for memory
 *   generated FLOPs   2·N per token written or scored: the papers' convention
 *   processed FLOPs   2·N per row processed, the output head for output rows only
 *   price             rows processed and tokens written or scored, at the user's prices
 *
 * Ratios are to the large model alone on the same tokens: the prompt prefilled once in the same
 * chunks (all but its last token), then one forward of one row for every emitted token. Of what a
 * prefix cache spares, the large model alone would have been spared as much as either model was
 * here: in a chat it would have had the whole conversation in its cache.
 */
import type {
  ByRole,
  EngineEvent,
  ModelRole,
  ParameterCounts,
  RunCost,
  StartEvent,
  TokenEvent,
  TokenPrices,
  WorkEvent,
} from '../core/events.ts';

/** FLOPs of one parameter for one row: a multiplication and an addition. */
const FLOPS_PER_PARAMETER = 2;

interface Work {
  forwards: number;
  rows: number;
  outputRows: number;
  reusedRows: number;
}

function noWork(): Work {
  return { forwards: 0, rows: 0, outputRows: 0, reusedRows: 0 };
}

/** Adds events up; `cost()` may be asked at any time. */
export class RunCostFold {
  readonly #start: StartEvent;
  readonly #work: Record<ModelRole, Work> = { small: noWork(), large: noWork() };
  #tokenCount = 0;
  #largeCount = 0;
  #verifiedCount = 0;
  #linkBytesUp = 0;
  #linkBytesDown = 0;
  #computeMs = 0;
  #waitedMs = 0;

  constructor(start: StartEvent) {
    this.#start = start;
  }

  add(event: EngineEvent): void {
    if (event.type === 'token') this.#addToken(event);
    if (event.type === 'work') this.#addWork(event);
  }

  cost(): RunCost {
    const small = this.#facesOf('small', this.#work.small);
    const large = this.#facesOf('large', this.#work.large);
    const alone = this.#facesOf('large', this.#largeAlone());
    const total = (face: keyof Faces): number => small[face] + large[face];
    const ratio = (face: keyof Faces): number | null =>
      alone[face] > 0 ? total(face) / alone[face] : null;
    return {
      tokenCount: this.#tokenCount,
      largeShare: share(this.#largeCount, this.#tokenCount),
      verifiedShare: share(this.#verifiedCount, this.#tokenCount),
      smallForwards: this.#work.small.forwards,
      largeForwards: this.#work.large.forwards,
      weightTrafficBytes: total('weightTrafficBytes'),
      generatedFlops: total('generatedFlops'),
      processedFlops: total('processedFlops'),
      weightTrafficRatio: ratio('weightTrafficBytes'),
      generatedFlopsRatio: ratio('generatedFlops'),
      processedFlopsRatio: ratio('processedFlops'),
      price: this.#hasPrices() ? total('price') : null,
      priceRatio: ratio('price'),
      linkBytesUp: this.#linkBytesUp,
      linkBytesDown: this.#linkBytesDown,
      reusedRowCount: this.#reusedRowCount(),
      computeMs: this.#computeMs,
      waitedMs: this.#waitedMs,
    };
  }

  #hasPrices(): boolean {
    const { small, large } = this.#start.prices ?? NO_PRICES;
    return small !== null || large !== null;
  }

  #addToken(event: TokenEvent): void {
    this.#tokenCount += 1;
    if (event.origin === 'large') this.#largeCount += 1;
    if (event.verified) this.#verifiedCount += 1;
  }

  #addWork(event: WorkEvent): void {
    const work = this.#work[event.model];
    work.forwards += event.rowCounts.length;
    work.rows += event.rowCounts.reduce((sum, rows) => sum + rows, 0);
    work.outputRows += event.outputRowCount;
    work.reusedRows += event.reusedRowCount;
    this.#linkBytesUp += event.bytesUp;
    this.#linkBytesDown += event.bytesDown;
    this.#computeMs += event.computeMs;
    this.#waitedMs += event.waitedMs;
  }

  #reusedRowCount(): number {
    return Math.max(this.#work.small.reusedRows, this.#work.large.reusedRows);
  }

  /** What the large model alone would have done for the same tokens. */
  #largeAlone(): Work {
    const promptRows = Math.max(0, this.#start.promptTokenCount - 1);
    const prefillRows = Math.max(0, promptRows - this.#reusedRowCount());
    const prefillForwards = Math.ceil(prefillRows / this.#start.prefillChunkRowCount);
    return {
      reusedRows: 0,
      forwards: prefillForwards + this.#tokenCount,
      rows: prefillRows + this.#tokenCount,
      outputRows: this.#tokenCount,
    };
  }

  #facesOf(role: ModelRole, work: Work): Faces {
    const parameters = this.#start.parameterCounts[role] ?? NO_PARAMETERS;
    const weightBytes = this.#start.weightBytes[role] ?? 0;
    const prices = (this.#start.prices ?? NO_PRICES)[role];
    return {
      weightTrafficBytes: work.forwards * weightBytes,
      generatedFlops:
        FLOPS_PER_PARAMETER * work.outputRows * (parameters.body + parameters.outputHead),
      processedFlops:
        FLOPS_PER_PARAMETER *
        (work.rows * parameters.body + work.outputRows * parameters.outputHead),
      price:
        (work.rows * (prices?.inputPerMillion ?? 0) +
          work.outputRows * (prices?.outputPerMillion ?? 0)) /
        1e6,
    };
  }
}

interface Faces {
  readonly weightTrafficBytes: number;
  readonly generatedFlops: number;
  readonly processedFlops: number;
  readonly price: number;
}

const NO_PRICES: ByRole<TokenPrices> = { small: null, large: null };
const NO_PARAMETERS: ParameterCounts = { body: 0, outputHead: 0 };

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Recomputes the cost of a run from its log. */
export function foldRunCost(start: StartEvent, events: Iterable<EngineEvent>): RunCost {
  const fold = new RunCostFold(start);
  for (const event of events) fold.add(event);
  return fold.cost();
}
