/** Options that every use case with a pair of models shares: which models, and how they are loaded. */
import type { EnsureModelOptions } from '../catalog/catalog-context.ts';
import type { ModelRole } from '../core/model-id.ts';

export interface PairOptions extends EnsureModelOptions {
  /** A known pair; default: `qwen2.5-coder`. */
  readonly pair?: string | undefined;
  /**
   * Instead of the pair's own small model: a known name, the path of a .gguf file, or
   * `hub:owner/repo/file`.
   */
  readonly small?: string | undefined;
  /** The same for the large model. */
  readonly large?: string | undefined;
  /** The model that judges steps when it is asked, named in the same way; default: the large model. */
  readonly judge?: string | undefined;
  /** A process reward model, named in the same way; default: that of the pair, if it has one. */
  readonly reward?: string | undefined;
  /** The model whose chat template holds where the two templates differ. */
  readonly template?: ModelRole | undefined;
  /** Tokens of prompt and answer together; default 4096. */
  readonly contextLength?: number | undefined;
  /** Threads of each model; default: the number that decodes it fastest, measured once. */
  readonly threadCount?: number | undefined;
}
