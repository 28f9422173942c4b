/** Rows of logits for benchmarks: of a real model, or made up if there is none on this machine. */
import { findModel } from '../src/catalog/ensure-model.ts';
import { noiseGumbel, noiseKey } from '../src/core/noise.ts';
import { loadLibrary } from '../src/model/llama-cpp/library.ts';
import { NativeContext } from '../src/model/llama-cpp/native-context.ts';
import { LlamaCppVocabulary } from '../src/model/llama-cpp/vocabulary.ts';

export interface LogitRows {
  /** The origin of the rows, for the report. */
  readonly source: string;
  /** [count] rows of [vocabularySize], each in memory of its own. */
  readonly rows: readonly Float32Array[];
}

/** Prose, code and a list, so that some rows are nearly certain and others are not. */
const PROMPT = `The harbour was quiet when she came back. const add = (a, b) => a + b;
Apples, pears, plums and`;
const CONTEXT_LENGTH = 256;
const THREAD_COUNT = 2;

/** The rows after the last `count` tokens of a prompt; made-up rows without the model. */
export async function logitRows(modelName: string, count: number): Promise<LogitRows> {
  const found = await findModel(modelName);
  if (found === null) return syntheticRows(count);
  const { abi } = loadLibrary();
  const model = await abi.modelLoad(found.path, abi.modelDefaultParams());
  const address = abi.modelVocabulary(model);
  const vocabulary = new LlamaCppVocabulary(abi, address, null);
  const context = await NativeContext.open(abi, model, {
    shape: {
      cellCount: CONTEXT_LENGTH,
      rowCountMax: CONTEXT_LENGTH,
      sequenceCountMax: 1,
      threadCount: THREAD_COUNT,
    },
    sizes: { vocabularySize: vocabulary.size, hiddenSize: abi.modelHiddenSize(model) },
  });
  const tokens = vocabulary.tokenize(PROMPT);
  const outputFrom = tokens.length - count;
  await context.decode([{ tokens, position: 0, sequence: 0, outputFrom }], false);
  const outputs = context.outputs();
  const rows = Array.from({ length: count }, (_, index) =>
    outputs.logits(outputFrom + index).slice(),
  );
  await context.free();
  await abi.modelFree(model);
  return { source: modelName, rows };
}

const SYNTHETIC_SIZE = 152_000;

/** A broad hump with a long upper tail, as logits have; some rows are sharper than others. */
function syntheticRows(count: number): LogitRows {
  const rows = Array.from({ length: count }, (_, row) => {
    const key = noiseKey(1, row, 'coin');
    const scale = 1.2 + (row % 4) * 0.4;
    return Float32Array.from({ length: SYNTHETIC_SIZE }, (__, id) => scale * noiseGumbel(key, id));
  });
  return { source: 'synthetic', rows };
}
