/** The native arrays of a batch, filled through views and reused by every batch of a context. */
import { allocate, bigInt64View, byteView, int32View, release } from './abi.ts';
import type { Address, Batch } from './native-api.ts';

const INT_BYTES = 4;
const POINTER_BYTES = 8;

/** Rows of one sequence within a batch. */
export interface BatchRows {
  readonly tokens: readonly number[];
  /** The position of the first row in its sequence. */
  readonly position: number;
  readonly sequence: number;
  /** Rows from this index on have outputs. The number of rows asks for none. */
  readonly outputFrom: number;
}

export class BatchBuffer {
  readonly #addresses: Address[] = [];
  readonly #token: Int32Array;
  readonly #position: Int32Array;
  readonly #sequence: Int32Array;
  readonly #output: Int8Array;
  readonly #batch: Omit<Batch, 'n_tokens'>;

  constructor(rowCountMax: number) {
    const [token, pos, idCount, ids] = [0, 1, 2, 3].map(() =>
      this.#allocate(rowCountMax * INT_BYTES),
    ) as [Address, Address, Address, Address];
    const idPointers = this.#allocate(rowCountMax * POINTER_BYTES);
    const output = this.#allocate(rowCountMax);
    this.#token = int32View(token, rowCountMax);
    this.#position = int32View(pos, rowCountMax);
    this.#sequence = int32View(ids, rowCountMax);
    this.#output = byteView(output, rowCountMax);
    // Every row belongs to one sequence, and its pointer leads to its own element of `ids`.
    int32View(idCount, rowCountMax).fill(1);
    const pointers = bigInt64View(idPointers, rowCountMax);
    for (let row = 0; row < rowCountMax; row += 1) pointers[row] = ids + BigInt(row * INT_BYTES);
    this.#batch = { token, embd: null, pos, n_seq_id: idCount, seq_id: idPointers, logits: output };
  }

  /** Lays out the rows of all parts, one part after the other. */
  fill(parts: readonly BatchRows[]): Batch {
    let row = 0;
    for (const { tokens, position, sequence, outputFrom } of parts) {
      for (const [index, token] of tokens.entries()) {
        this.#token[row] = token;
        this.#position[row] = position + index;
        this.#sequence[row] = sequence;
        this.#output[row] = index >= outputFrom ? 1 : 0;
        row += 1;
      }
    }
    return { n_tokens: row, ...this.#batch };
  }

  dispose(): void {
    for (const address of this.#addresses.splice(0)) release(address);
  }

  #allocate(byteCount: number): Address {
    const address = allocate(byteCount);
    this.#addresses.push(address);
    return address;
  }
}
