/**
 * Results of a long run, one JSON object a line, so that it can be stopped at any time and continued.
 * The first line holds the settings: only a run with the same ones may continue.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { PilotfishError } from '../../src/core/errors.ts';

export class ResumableLines<T> {
  readonly #path: string;
  readonly #lines: T[];

  /** @throws PilotfishError `option-invalid` if the file belongs to a run with other settings */
  constructor(
    path: string,
    settings: Readonly<Record<string, unknown>>,
    parse: (line: unknown) => T,
  ) {
    this.#path = path;
    const head = JSON.stringify({ settings });
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    // A line without its end was being written when the run was stopped.
    const [found, ...lines] = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
    if (found !== undefined && found !== head) throw otherSettings(path, found, head);
    this.#lines = lines.map((line) => parse(JSON.parse(line)));
    writeFileSync(path, [head, ...lines].map((line) => `${line}\n`).join(''));
  }

  get all(): readonly T[] {
    return this.#lines;
  }

  add(line: T): void {
    this.#lines.push(line);
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }
}

function otherSettings(path: string, found: string, wanted: string): PilotfishError {
  return new PilotfishError('option-invalid', `${path} belongs to another run: ${found}`, {
    remedy: `Give another --out, or the settings of that run. These are ${wanted}`,
    fields: { option: 'out', value: path },
  });
}
