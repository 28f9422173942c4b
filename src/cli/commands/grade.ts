/** `pilotfish grade`: answers of any engine, right or wrong. */
import { type Command, Option } from 'commander';
import {
  GRADE_KINDS,
  GRADE_LINE_BYTES_MAX,
  type GradeKind,
} from '../../app/grading/grade-limits.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import type { CliIo } from '../io.ts';

const LIMIT = `${GRADE_LINE_BYTES_MAX / 2 ** 20} MiB`;
const NOTES = `Each line of the input is {"answer": "…", "gold": "…"}: a model's whole output, and the right
answer. With --kind choice it also has "choices": the texts of A, B, C, … The gold is then a letter
or a text. Each line of the output is {"right", "read", "why"}, in the same order; "read" is null
where no answer was found. A line may have ${LIMIT}. A wrong line ends the command with
code 1; the grades before it are printed. The rules: docs/GRADERS.md.

Examples:
  pilotfish grade --kind number answers.jsonl
  pilotfish grade --kind latex < answers.jsonl > grades.jsonl
  echo '{"answer": "I would pick B.", "gold": "B", "choices": ["4", "5"]}' |
    pilotfish grade --kind choice`;

export function registerGrade(program: Command, io: CliIo, dependencies: CliDependencies): void {
  program
    .command('grade')
    .summary('say which answers are right, of any engine')
    .description('Grades answers that are already there: reads JSON lines and writes JSON lines.')
    .argument('[file]', 'a file of JSON lines (default: standard input)')
    .addOption(
      new Option('--kind <KIND>', 'what the right answers are')
        .choices(GRADE_KINDS)
        .makeOptionMandatory(),
    )
    .addHelpText('after', `\n${NOTES}`)
    .action(async (file: string | undefined, { kind }: { readonly kind: GradeKind }) => {
      const input = file === undefined || file === '-' ? io.input : file;
      if (input === io.input && file === undefined && io.inputIsTerminal) throw noInput();
      for await (const line of dependencies.gradeLines({ kind, input, signal: io.signal })) {
        io.out(`${JSON.stringify(line)}\n`);
      }
    });
}

function noInput(): PilotfishError {
  return new PilotfishError('option-invalid', 'There is no input.', {
    remedy: 'Name a file of JSON lines, or pipe one in.',
  });
}
