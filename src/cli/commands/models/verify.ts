/** `pilotfish models verify`: hashes all of them, then fails if any was wrong. */
import type { EnsureModelOptions } from '../../../catalog/ensure-model.ts';
import { listModels } from '../../../catalog/list-models.ts';
import { verifyModel } from '../../../catalog/verify-model.ts';
import { PilotfishError } from '../../../core/errors.ts';
import type { CliIo } from '../../io.ts';
import { printableText } from '../../rendering/printable-text.ts';

export interface VerifyArguments {
  readonly names: readonly string[];
  readonly json?: boolean;
}

/** @throws PilotfishError the first `digest-mismatch`, after all were looked at */
export async function verifyModels(
  io: CliIo,
  { names, json = false }: VerifyArguments,
  catalog: EnsureModelOptions,
): Promise<void> {
  const all = names.length > 0 ? names : await namesHere(catalog);
  let firstMismatch: PilotfishError | null = null;
  for (const name of new Set(all)) {
    try {
      const { path, sha256 } = await verifyModel(name, catalog);
      show(io, json, { name, isRight: true, path, sha256 });
    } catch (error) {
      if (!PilotfishError.isInstance(error) || error.code !== 'digest-mismatch') throw error;
      firstMismatch ??= error;
      const { path = null, actual = null } = error.fields;
      show(io, json, { name, isRight: false, path: String(path), sha256: String(actual) });
    }
  }
  if (firstMismatch !== null) throw firstMismatch;
}

interface Verdict {
  readonly name: string;
  readonly isRight: boolean;
  readonly path: string;
  readonly sha256: string | null;
}

function show(io: CliIo, json: boolean, verdict: Verdict): void {
  if (json) {
    io.out(`${JSON.stringify({ type: 'verified', ...verdict })}\n`);
    return;
  }
  const word = verdict.isRight ? io.color.green('right') : io.color.red('WRONG');
  io.out(`${word}  ${printableText(verdict.name)}  ${verdict.sha256}\n`);
}

async function namesHere(catalog: EnsureModelOptions): Promise<readonly string[]> {
  const models = await listModels(catalog);
  return models.filter(({ state }) => state === 'present').map(({ name }) => name);
}
