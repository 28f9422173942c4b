/**
 * The results of a long run, one JSON object a line, so that it can be stopped at any time and
 * continued. The first line holds the settings: only a run with the same settings may continue.
 */
import { PilotfishError } from '../../src/core/errors.ts';
import { appendLines, linesOf } from '../../src/storage/json-lines.ts';

export class ResumableLines<T> {
  readonly #path: string;
  readonly #lines: T[];

  private constructor(path: string, lines: T[]) {
    this.#path = path;
    this.#lines = lines;
  }

  /** @throws PilotfishError `option-invalid` if the file belongs to a run with other settings */
  static async open<T>(
    path: string,
    settings: Readonly<Record<string, unknown>>,
    parse: (line: unknown) => T,
  ): Promise<ResumableLines<T>> {
    const texts: string[] = [];
    for await (const { text } of linesOf(path)) texts.push(text);
    const [found, ...lines] = texts;
    const head = { settings };
    if (found === undefined) await appendLines(path, [head]);
    else if (found !== JSON.stringify(head)) throw otherSettings(path, found, JSON.stringify(head));
    return new ResumableLines(
      path,
      lines.map((line) => parse(JSON.parse(line))),
    );
  }

  get all(): readonly T[] {
    return this.#lines;
  }

  async add(line: T): Promise<void> {
    await appendLines(this.#path, [line]);
    this.#lines.push(line);
  }
}

function otherSettings(path: string, found: string, wanted: string): PilotfishError {
  return new PilotfishError('option-invalid', `${path} belongs to another run: ${found}`, {
    remedy: `Give another --out, or the settings of that run. These are ${wanted}`,
    fields: { option: 'out', value: path },
  });
}
