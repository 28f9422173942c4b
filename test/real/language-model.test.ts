/** The language model contract on real models. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { present } from '../../src/core/invariant.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';
import { LANGUAGE_MODEL_CONTRACT } from '../../src/testing/contracts/language-model-contract.ts';
import { IS_SLICE, LARGE, realModel, SMALL, TINY } from './real-models.ts';

const TEXT = 'The quick brown fox jumps over the lazy dog, and then it rests under an old tree.';
/** Two tokens closer than this may be decided either way by forwards of other shapes. */
const TIE_MARGIN = 0.3;

describe.each(IS_SLICE ? [TINY] : [TINY, SMALL, LARGE])(
  '%s keeps the language model contract',
  (name) => {
    let model: LlamaCppModel | null = null;
    beforeAll(async () => {
      // A short context, because one case fills it.
      model = await loadModel(await realModel(name), {
        name,
        contextLength: 256,
        rowCountMax: 128,
      });
    });
    afterAll(async () => {
      await model?.[Symbol.asyncDispose]();
    });
    for (const { name: title, run } of LANGUAGE_MODEL_CONTRACT) {
      it(title, async () => {
        const opened = present(model, 'the model was opened');
        const tokens = opened.vocabulary.tokenize(TEXT);
        await run(opened, { tokens, tieMargin: TIE_MARGIN });
      });
    }
  },
);
