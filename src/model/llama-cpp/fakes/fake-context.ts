/** A native context without a native library, for tests of the executor. */
import { required } from '../../../core/invariant.ts';
import type { RowProgram } from '../../../core/row-program.ts';
import { GREEDY } from '../../../core/sampling-params.ts';
import { tokenIds } from '../../../core/token-id.ts';
import { ComputeDevice } from '../../compute-device.ts';
import type { Forward } from '../../roles.ts';
import { DECODE_ABORTED, DECODE_OK } from '../abi.ts';
import type { BatchRows } from '../batch.ts';
import { Executor, type ExecutorContext } from '../executor.ts';
import type { NativeOutputs } from '../native-context.ts';

export const VOCABULARY_SIZE = 101;
export const DECODE_FAILED = -3;
export const PROGRAM: RowProgram = {
  vocabularySize: VOCABULARY_SIZE,
  sampling: GREEDY,
  seed: 0,
  purpose: 'sample',
};

/** The value of a row of the fake model, which depends on every token up to its own. */
export function rowValue(prefix: readonly number[]): number {
  return prefix.reduce((hash, token) => (hash * 31 + token + 1) % 1_000_003, 7);
}

interface Output {
  readonly logits: Float32Array;
  readonly hidden: Float32Array;
}

/** A context that computes at once, checks its caller, and fails on demand. */
export class FakeContext implements ExecutorContext {
  /** Rows of every decode, as `sequence:rows`. */
  readonly decodes: string[] = [];
  /** The code that every decode returned. */
  readonly codes: number[] = [];
  /** The number of rows with outputs of every decode. */
  readonly outputCounts: number[] = [];
  readonly violations: string[] = [];
  freedCount = 0;
  /** Every number of threads that was set, in order. */
  readonly threadCounts: number[] = [];
  /** A hook that runs while a decode is under way. */
  during: (decode: number) => unknown = () => undefined;
  /** The code of a decode that was not stopped. */
  code: (parts: readonly BatchRows[]) => number = () => DECODE_OK;
  /** Called when the logits of a row are read. */
  reading: (row: number) => void = () => undefined;
  readonly #rowCountMax: number;
  readonly #held = new Map<number, number[]>();
  readonly #outputs = new Map<number, Output>();
  #aborted = false;
  #decoding = false;

  constructor(rowCountMax: number) {
    this.#rowCountMax = rowCountMax;
  }

  async decode(parts: readonly BatchRows[], hidden: boolean): Promise<number> {
    this.#enter('decode');
    this.#check(parts);
    const rows = parts.map(({ sequence, tokens }) => `${sequence}:${tokens.length}`);
    this.decodes.push([...rows, ...(hidden ? ['hidden'] : [])].join(' '));
    // The views of the previous batch die.
    for (const { logits, hidden: state } of this.#outputs.values()) {
      logits.fill(Number.NaN);
      state.fill(Number.NaN);
    }
    this.#outputs.clear();
    this.#decoding = true;
    try {
      await this.during(this.decodes.length - 1);
      const code = this.#aborted ? DECODE_ABORTED : this.code(parts);
      this.codes.push(code);
      // A batch that does not run whole leaves some of its rows behind.
      this.#feed(parts, hidden, code === DECODE_OK ? Number.POSITIVE_INFINITY : 2);
      return code;
    } finally {
      this.#decoding = false;
      this.outputCounts.push(this.#outputs.size);
    }
  }

  outputs(): NativeOutputs {
    this.#enter('outputs');
    const row = (index: number): Output =>
      required(this.#outputs.get(index), 'the row has no output');
    return {
      logits: (index) => {
        this.#enter('logits');
        this.reading(index);
        return row(index).logits;
      },
      hidden: (index) => row(index).hidden,
    };
  }

  length(sequence: number): number {
    this.#enter('length');
    return this.tokens(sequence).length;
  }

  truncate(sequence: number, length: number): void {
    this.#enter('truncate');
    this.tokens(sequence).length = length;
  }

  copy(source: number, target: number, length: number): void {
    this.#enter('copy');
    this.#held.set(target, this.tokens(source).slice(0, length));
  }

  setThreadCount(threadCount: number): void {
    this.#enter('setThreadCount');
    this.threadCounts.push(threadCount);
  }

  setAborted(aborted: boolean): void {
    this.#aborted = aborted;
  }

  async free(): Promise<void> {
    this.#enter('free');
    this.freedCount += 1;
  }

  /** The tokens of a sequence, as seen from outside. */
  tokens(sequence: number): number[] {
    const tokens = this.#held.get(sequence) ?? [];
    this.#held.set(sequence, tokens);
    return tokens;
  }

  #enter(call: string): void {
    if (this.#decoding) this.violations.push(`${call} during a decode`);
    if (this.freedCount > 0) this.violations.push(`${call} after free`);
  }

  #check(parts: readonly BatchRows[]): void {
    const rows = parts.reduce((sum, { tokens }) => sum + tokens.length, 0);
    if (rows === 0 || rows > this.#rowCountMax) this.violations.push(`a batch of ${rows} rows`);
    if (new Set(parts.map(({ sequence }) => sequence)).size < parts.length) {
      this.violations.push('a sequence twice in a batch');
    }
    for (const { sequence, position, tokens, outputFrom } of parts) {
      const { length } = this.tokens(sequence);
      if (position !== length) this.violations.push(`position ${position}, not ${length}`);
      if (outputFrom < 0 || outputFrom > tokens.length) this.violations.push('outputs beyond rows');
    }
  }

  #feed(parts: readonly BatchRows[], hidden: boolean, most: number): void {
    let row = 0;
    for (const { sequence, tokens, outputFrom } of parts) {
      for (const [index, token] of tokens.entries()) {
        if (row >= most) return;
        this.tokens(sequence).push(token);
        const value = rowValue(this.tokens(sequence));
        const logits = new Float32Array(VOCABULARY_SIZE);
        logits[value % VOCABULARY_SIZE] = 1;
        if (hidden || index >= outputFrom) {
          this.#outputs.set(row, { logits, hidden: Float32Array.of(value) });
        }
        row += 1;
      }
    }
  }
}

export interface Asking {
  /** The number of rows with outputs, counted from the end; default 1. */
  readonly outputs?: number;
  readonly hidden?: boolean;
  readonly signal?: AbortSignal;
  readonly program?: RowProgram;
}

const tokenAt = (sequence: number, position: number): number => sequence * 1000 + position;
export const tokensOf = (sequence: number, from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => tokenAt(sequence, from + index));

/** The tokens that the model chooses after each of the tokens `from`, …, `to - 1` of a sequence. */
export const choicesOf = (sequence: number, from: number, to: number): number[] =>
  tokensOf(sequence, from, to).map(
    (_, index) => rowValue(tokensOf(sequence, 0, from + index + 1)) % VOCABULARY_SIZE,
  );

const contexts: FakeContext[] = [];

/** The violations in the contexts made since the last call. Call it after each test. */
export function takeViolations(): string[] {
  return contexts.splice(0).flatMap(({ violations }) => violations);
}

export interface ExecutorBench {
  /** Feeds the next `rowCount` tokens of a sequence. */
  readonly ask: (sequence: number, rowCount: number, asking?: Asking) => Promise<Forward>;
  readonly choices: (forward: Promise<Forward>) => Promise<number[]>;
  readonly context: FakeContext;
  readonly device: ComputeDevice;
  readonly executor: Executor;
}

export function executorBench(
  options: {
    readonly rowCountMax?: number;
    readonly waitingCountMax?: number;
    /** A device that it shares with other executors. */
    readonly device?: ComputeDevice;
  } = {},
): ExecutorBench {
  const { rowCountMax = 64, waitingCountMax = 100 } = options;
  const context = new FakeContext(rowCountMax);
  contexts.push(context);
  const device = options.device ?? new ComputeDevice({ name: 'the fake device', waitingCountMax });
  const executor = new Executor({ context, device, rowCountMax });
  const ask = async (sequence: number, rowCount: number, asking: Asking = {}): Promise<Forward> => {
    const { outputs = 1, signal, program: own = PROGRAM } = asking;
    const program = asking.hidden === true ? { ...own, hidden: true } : own;
    const position = context.tokens(sequence).length;
    const tokens = tokenIds(tokensOf(sequence, position, position + rowCount));
    const request = { tokens, outputFrom: rowCount - outputs, program };
    const end = await executor.forward({ sequence, position }, request, signal);
    if ('error' in end) throw end.error;
    return end.forward;
  };
  const choices = async (forward: Promise<Forward>): Promise<number[]> =>
    (await forward).rows.map(({ tokenId: choice }) => choice);
  return { ask, choices, context, device, executor };
}

/** Lets all ready continuations run, a few times over. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((done) => setImmediate(done));
}

/** The error code of a forward, or its outcome. */
export const codeOf = (forward: Promise<unknown>): Promise<string> =>
  forward.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
