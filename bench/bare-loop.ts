/**
 * The yardstick: the same native library driven by the smallest possible loop, decode and argmax,
 * with nothing around it. No events, no cancellation, no text, no accounting.
 */

import { loadLibrary } from '../src/model/llama-cpp/library.ts';
import type { Abi, Address } from '../src/model/llama-cpp/native-api.ts';
import { NativeContext } from '../src/model/llama-cpp/native-context.ts';
import { argmax } from '../src/sampling/row-statistics.ts';

export interface BareShape {
  readonly contextLength: number;
  readonly rowCountMax: number;
  readonly sequenceCountMax: number;
  readonly threadCount: number;
}

export class BareLoop {
  readonly #abi: Abi;
  readonly #model: Address;
  readonly #context: NativeContext;
  readonly #vocabularySize: number;

  private constructor(abi: Abi, model: Address, context: NativeContext, vocabularySize: number) {
    this.#abi = abi;
    this.#model = model;
    this.#context = context;
    this.#vocabularySize = vocabularySize;
  }

  static async open(path: string, shape: BareShape): Promise<BareLoop> {
    const { abi } = loadLibrary();
    const model = await abi.modelLoad(path, abi.modelDefaultParams());
    const vocabularySize = abi.tokenCount(abi.modelVocabulary(model));
    const sizes = { vocabularySize, hiddenSize: abi.modelHiddenSize(model) };
    const context = await NativeContext.open(abi, model, {
      shape: { ...shape, cellCount: shape.contextLength },
      sizes,
    });
    return new BareLoop(abi, model, context, vocabularySize);
  }

  /**
   * Greedy continuations of one prompt in `width` sequences at once.
   * @returns milliseconds from the first prefill to the last token
   */
  async generate(prompt: readonly number[], tokenCount: number, width: number): Promise<number> {
    const started = performance.now();
    const head = prompt.slice(0, -1);
    for (let sequence = 0; sequence < width; sequence += 1) {
      this.#context.truncate(sequence, 0);
      const rows = { tokens: head, position: 0, sequence, outputFrom: head.length };
      await this.#context.decode([rows], false);
    }
    const last = Array.from({ length: width }, () => prompt.at(-1) ?? 0);
    for (let step = 0; step < tokenCount; step += 1) {
      const position = head.length + step;
      const parts = last.map((token, sequence) => ({
        tokens: [token],
        position,
        sequence,
        outputFrom: 0,
      }));
      await this.#context.decode(parts, false);
      const outputs = this.#context.outputs();
      for (let sequence = 0; sequence < width; sequence += 1) {
        last[sequence] = argmax(outputs.logits(sequence), this.#vocabularySize);
      }
    }
    return performance.now() - started;
  }

  async close(): Promise<void> {
    await this.#context.free();
    await this.#abi.modelFree(this.#model);
  }
}
