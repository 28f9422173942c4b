/** The grammar of an answer on the command line of ask and compare. */
import type { Command } from 'commander';
import { definedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import {
  compiledGrammar,
  GRAMMAR_LENGTH_MAX,
  type GrammarRequest,
  grammarSource,
} from '../../grammar/grammar-request.ts';
import { readGiven } from '../../storage/whole-file.ts';

export interface GrammarOptions {
  /** A file, or a schema itself if the text begins with a brace. */
  readonly jsonSchema?: string;
  readonly strictSchema?: boolean;
  /** A file. */
  readonly grammar?: string;
  readonly regex?: string;
}

export function addGrammarOptions(command: Command): Command {
  return command
    .option('--json-schema <FILE_OR_TEXT>', 'the answer is JSON that this schema allows')
    .option('--strict-schema', 'refuse a schema that needs a check of the finished answer')
    .option('--grammar <FILE>', 'the answer keeps to a grammar in GBNF')
    .option('--regex <PATTERN>', 'the whole answer matches a regular expression');
}

/** @throws PilotfishError `grammar-invalid`, `option-invalid`, `file-system-failed` */
export async function grammarFields(
  options: GrammarOptions,
): Promise<Pick<GenerateRequest, 'grammar'>> {
  const { jsonSchema, strictSchema, grammar, regex } = options;
  if (strictSchema === true && jsonSchema === undefined) throw noSchema();
  const given = [jsonSchema, grammar, regex].filter((option) => option !== undefined);
  if (given.length > 1) {
    throw new PilotfishError('option-invalid', 'An answer has one grammar at most.', {
      remedy: 'Give one of --json-schema, --grammar and --regex.',
      fields: { option: '--grammar', value: String(given.length) },
    });
  }
  const request = await grammarRequest(options);
  if (request === null) return {};
  // Errors in the grammar are found before a model is loaded.
  compiledGrammar(grammarSource(request));
  return { grammar: request };
}

async function grammarRequest(options: GrammarOptions): Promise<GrammarRequest | null> {
  const { jsonSchema, strictSchema: strict, grammar, regex } = options;
  if (jsonSchema !== undefined) {
    const isText = jsonSchema.trimStart().startsWith('{');
    const schema = isText ? jsonSchema : await textOf(jsonSchema, '--json-schema');
    return { jsonSchema: schema, ...definedFields({ strict }) };
  }
  if (grammar !== undefined) return { gbnf: await textOf(grammar, '--grammar') };
  return regex === undefined ? null : { regex };
}

function noSchema(): PilotfishError {
  return new PilotfishError('option-invalid', '--strict-schema is about --json-schema.', {
    remedy: 'Give a schema, or leave --strict-schema out.',
    fields: { option: '--strict-schema', value: 'true' },
  });
}

async function textOf(path: string, option: string): Promise<string> {
  const bytes = await readGiven({
    path,
    otherwise: `name another file with ${option}`,
    // The characters are counted when the grammar is read.
    byteCountMax: GRAMMAR_LENGTH_MAX * 4,
    tooLarge: () => tooLarge(path, option),
  });
  return bytes.toString('utf8');
}

function tooLarge(path: string, option: string): PilotfishError {
  const message = `${option}: ${path} is far too large for a grammar.`;
  return new PilotfishError('option-invalid', message, {
    remedy: `Give a file of at most ${GRAMMAR_LENGTH_MAX} characters.`,
    fields: { option, value: path },
  });
}
