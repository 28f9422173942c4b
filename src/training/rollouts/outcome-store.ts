/** Ends of branches, kept as they come: what was rolled out once is not rolled out again. */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import { appendLines, linesOf } from '../../storage/json-lines.ts';

/** Which branch: of which trajectory, under which policy. */
export interface BranchKey {
  /** `trajectoryKey` of it. */
  readonly trajectory: string;
  /** `endsName` of it. */
  readonly policy: string;
  readonly position: number;
  readonly token: number;
  /** Which draw; 0 where the rollout is greedy. */
  readonly draw: number;
}

export interface Outcome extends BranchKey {
  /** 1 right, 0 wrong. */
  readonly value: number;
  /** Tokens that were written behind the branch's. */
  readonly tokenCount: number;
}

const COUNT = z.number().int().nonnegative();

const OUTCOME: z.ZodType<Outcome> = z.object({
  trajectory: z.string(),
  policy: z.string(),
  position: COUNT,
  token: COUNT,
  draw: COUNT,
  value: z.number().min(0).max(1),
  tokenCount: COUNT,
});

export class OutcomeStore {
  readonly #path: string;
  readonly #outcomes = new Map<string, Outcome>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
  static async open(path: string): Promise<OutcomeStore> {
    const store = new OutcomeStore(path);
    let lineCount = 0;
    for await (const line of linesOf(path)) {
      lineCount += 1;
      const parsed = OUTCOME.safeParse(parseJson(line));
      if (!parsed.success) throw invalid(path, lineCount);
      store.#outcomes.set(keyOf(parsed.data), parsed.data);
    }
    return store;
  }

  get count(): number {
    return this.#outcomes.size;
  }

  get(key: BranchKey): Outcome | null {
    return this.#outcomes.get(keyOf(key)) ?? null;
  }

  /** On disk when it returns. */
  async add(outcome: Outcome): Promise<void> {
    await appendLines(this.#path, [outcome]);
    this.#outcomes.set(keyOf(outcome), outcome);
  }
}

function keyOf({ trajectory, policy, position, token, draw }: BranchKey): string {
  return `${trajectory} ${policy} ${position} ${token} ${draw}`;
}

function invalid(path: string, line: number): PilotfishError {
  return new PilotfishError('training-invalid', `Line ${line} of ${path} is no end of a branch.`, {
    remedy: 'Delete the line: the branch is rolled out again.',
    fields: { path, line },
  });
}
