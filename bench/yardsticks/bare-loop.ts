/**
 * The yardstick: the same native library driven by the smallest possible loop, decode and argmax. It has
 * no events, no cancellation, no text and no accounting.
 */
import { loadLibrary } from '../../src/model/llama-cpp/library.ts';
import type { Abi, Address } from '../../src/model/llama-cpp/native-api.ts';
import { type ContextShape, NativeContext } from '../../src/model/llama-cpp/native-context.ts';
import { openRow } from '../../src/sampling/open-row.ts';
import type { StreamTimes } from '../workload/stream-times.ts';

export class BareLoop implements AsyncDisposable {
  readonly #abi: Abi;
  readonly #model: Address;
  readonly #context: NativeContext;
  readonly #vocabularySize: number;
  readonly #rowCountMax: number;

  private constructor(
    native: { abi: Abi; model: Address; context: NativeContext },
    vocabularySize: number,
    rowCountMax: number,
  ) {
    this.#abi = native.abi;
    this.#model = native.model;
    this.#context = native.context;
    this.#vocabularySize = vocabularySize;
    this.#rowCountMax = rowCountMax;
  }

  static async open(path: string, shape: ContextShape): Promise<BareLoop> {
    const { abi } = loadLibrary();
    const model = await abi.modelLoad(path, abi.modelDefaultParams());
    const vocabularySize = abi.tokenCount(abi.modelVocabulary(model));
    const sizes = { vocabularySize, hiddenSize: abi.modelHiddenSize(model) };
    const context = await NativeContext.open(abi, model, { shape, sizes });
    return new BareLoop({ abi, model, context }, vocabularySize, shape.rowCountMax);
  }

  /**
   * Greedy continuations of prompts, each in its own sequence. Every prompt is prefilled as fast as
   * possible, one after the other; then all sequences are decoded together, step by step.
   */
  async generate(
    prompts: readonly (readonly number[])[],
    tokenCount: number,
  ): Promise<StreamTimes[]> {
    const began = performance.now();
    for (const [sequence, prompt] of prompts.entries()) await this.#prefill(sequence, prompt);
    const times: number[][] = prompts.map(() => []);
    const last = prompts.map((prompt) => prompt.at(-1) ?? 0);
    for (let step = 0; step < tokenCount; step += 1) {
      const parts = prompts.map((prompt, sequence) => ({
        tokens: [last[sequence] ?? 0],
        position: prompt.length - 1 + step,
        sequence,
        outputFrom: 0,
      }));
      await this.#context.decode(parts, false);
      const outputs = this.#context.outputs();
      for (const sequence of prompts.keys()) {
        last[sequence] = openRow(outputs.logits(sequence), this.#vocabularySize).argmax();
        times[sequence]?.push(performance.now() - began);
      }
    }
    return times;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.free();
    await this.#abi.modelFree(this.#model);
  }

  /** Reads all tokens but the last, which belongs to the first step. */
  async #prefill(sequence: number, prompt: readonly number[]): Promise<void> {
    this.#context.truncate(sequence, 0);
    const end = prompt.length - 1;
    for (let position = 0; position < end; position += this.#rowCountMax) {
      const tokens = prompt.slice(position, Math.min(end, position + this.#rowCountMax));
      const rows = { tokens, position, sequence, outputFrom: tokens.length };
      await this.#context.decode([rows], false);
    }
  }
}
