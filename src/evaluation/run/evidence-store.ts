/** Evidence of questions, kept like their answers: what was read once is not read again. */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import { appendLines, linesOf } from '../../storage/json-lines.ts';
import type { TokenEvidence } from '../evidence/teacher-forced.ts';

const EVIDENCE: z.ZodType<TokenEvidence> = z.object({
  question: z.string(),
  asked: z.string(),
  differs: z.string().regex(/^[01]*$/),
  scores: z.record(z.string(), z.array(z.number())),
});

export class EvidenceStore {
  readonly #path: string;
  readonly #evidence = new Map<string, TokenEvidence>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws PilotfishError `evaluation-invalid`, naming the line; `file-system-failed` */
  static async open(path: string): Promise<EvidenceStore> {
    const store = new EvidenceStore(path);
    let lineCount = 0;
    for await (const line of linesOf(path)) {
      lineCount += 1;
      const parsed = EVIDENCE.safeParse(parseJson(line));
      if (!parsed.success) throw invalid(path, lineCount);
      store.#evidence.set(parsed.data.asked, parsed.data);
    }
    return store;
  }

  /** @param asked `questionHash` of the question */
  get(asked: string): TokenEvidence | null {
    return this.#evidence.get(asked) ?? null;
  }

  async add(evidence: TokenEvidence): Promise<void> {
    await appendLines(this.#path, [evidence]);
    this.#evidence.set(evidence.asked, evidence);
  }
}

function invalid(path: string, line: number): PilotfishError {
  return new PilotfishError('evaluation-invalid', `Line ${line} of ${path} is no evidence.`, {
    remedy: 'Delete the line: its answer is read again.',
    fields: { path, line },
  });
}
