/** The two models of an evaluation, open and remembering. */

import { PilotfishError } from '../../core/errors.ts';
import type { ByRole, ModelRole, ParameterCounts } from '../../core/events.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Router } from '../../judging/router.ts';
import type { LanguageModel } from '../../model/roles.ts';

/** What costs are worked out from, and what tells one model from another. */
export interface EvaluatedModel {
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
  readonly parameterCounts: ParameterCounts;
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  /** Rows of a prefill chunk. */
  readonly rowCountMax: number;
}

export interface EvaluationPair extends AsyncDisposable {
  readonly engine: Pick<Engine, 'generate' | 'promptTokens'>;
  readonly models: Readonly<Record<ModelRole, EvaluatedModel>>;
  /** The small model behind the memory: it remembers no rows, but reads what is shared once. */
  readonly small: LanguageModel;
  /** The same of the large one. */
  readonly large: LanguageModel;
  /** By the strategy that they route for. */
  readonly routers: ReadonlyMap<string, Router>;
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** SHA-256 of the native library, in hex: another build has other last digits. */
  readonly library: string;
  /** Whose chat template was asked to hold; `own` where nobody was. */
  readonly template: string;
  /** Output rows that were remembered, and those that a model computed. */
  rowCounts(): { readonly known: number; readonly computed: number };
  /** What all these prompts begin with is read once from now on. No request may be running. */
  share(prompts: readonly (readonly TokenId[])[]): Promise<void>;
  /** Whether rows are remembered, and beginnings shared: off for a live check. */
  remember(isOn: boolean): Promise<void>;
  /** What comes next is batched as if nothing had run before. No request may be running. */
  begin(): void;
  /** Writes what is new. No request may be running. */
  flush(): Promise<void>;
  /** Writes what is new and forgets the prompts so far. */
  release(): Promise<void>;
  /** Forgets the prompts so far, and what is new. */
  drop(): void;
}

/** What an evaluation's answers depend on besides the questions: the folder keeps it. */
export interface Manifest {
  readonly version: number;
  readonly models: Readonly<Record<ModelRole, EvaluatedModel>>;
  readonly library: string;
  readonly template: string;
  readonly contextLength: number;
  readonly maxTokens: number;
  /** Questions that run side by side: batches of other widths differ in their last digits. */
  readonly waveSize: number;
  /** Digests of routers, by the strategy that they route for; more may come. */
  readonly routers: Readonly<Record<string, string>>;
}

export const MANIFEST_VERSION = 1;

/** @throws PilotfishError `evaluation-invalid`, naming the first value that differs */
export function checkManifest(found: Manifest, expected: Manifest, folder: string): void {
  // Routers that the folder has not seen are new strategies, and nothing else.
  const known = { ...expected.routers, ...found.routers };
  const [before, now] = [flat({ ...found, routers: known }), flat(expected)];
  for (const [name, value] of Object.entries(now)) {
    if (before[name] === value) continue;
    throw new PilotfishError(
      'evaluation-invalid',
      `${folder} holds an evaluation with ${name} ${before[name]}; this one has ${value}.`,
      {
        remedy: 'Choose another folder with --out, or ask for what the folder holds.',
        fields: { folder, name, found: before[name] ?? null, expected: value },
      },
    );
  }
}

function flat(manifest: Manifest): Readonly<Record<string, string | number>> {
  const { models, routers, ...rest } = manifest;
  const digests: ByRole<string> = { small: models.small.digest, large: models.large.digest };
  return {
    ...rest,
    'small model digest': `${digests.small}`,
    'large model digest': `${digests.large}`,
    ...Object.fromEntries(
      Object.entries(routers).map(([strategy, digest]) => [`router of ${strategy}`, digest]),
    ),
  };
}
