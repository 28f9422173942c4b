/** Where the steps of an answer end. Pure. */
import { PilotfishError } from '../core/errors.ts';
import { checkOption } from './check-option.ts';

/**
 * The styles of prompts and their separators. A step ends after the first token whose running text
 * contains one of them. Whole tokens are kept: nothing is cut off and put back.
 */
export const STEP_STYLES: Readonly<Record<StepStyle, readonly string[]>> = {
  'blank-line': ['\n\n'],
  newline: ['\n'],
  sentence: ['. ', '.\n', '! ', '!\n', '? ', '?\n'],
};

export type StepStyle = 'blank-line' | 'newline' | 'sentence';

export interface StepLimits {
  /** The texts that end a step; default: a blank line. */
  readonly separators?: readonly string[] | undefined;
  /** A step with this many tokens ends there; default 256. */
  readonly stepTokenCountMax?: number | undefined;
  /** Steps that are drafted and scored. The small model writes the rest; default 128. */
  readonly stepCountMax?: number | undefined;
}

export const STEP_LIMITS: Required<{
  readonly [K in keyof StepLimits]: NonNullable<StepLimits[K]>;
}> = {
  separators: STEP_STYLES['blank-line'],
  stepTokenCountMax: 256,
  stepCountMax: 128,
};

export const SEPARATOR_COUNT_MAX = 16;
export const SEPARATOR_LENGTH_MAX = 64;

/** @throws PilotfishError `option-invalid` */
export function checkStepLimits(limits: StepLimits): void {
  const { separators, stepTokenCountMax, stepCountMax } = limits;
  const fromOne = {
    holds: (value: number) => Number.isSafeInteger(value) && value >= 1,
    says: 'an integer from 1 up',
  };
  checkOption('stepTokenCountMax', stepTokenCountMax, fromOne);
  checkOption('stepCountMax', stepCountMax, fromOne);
  if (separators === undefined) return;
  const says = `from 1 to ${SEPARATOR_COUNT_MAX} texts of 1 to ${SEPARATOR_LENGTH_MAX} characters`;
  const areSome = separators.length >= 1 && separators.length <= SEPARATOR_COUNT_MAX;
  const wrong = separators.find(({ length }) => length < 1 || length > SEPARATOR_LENGTH_MAX);
  if (areSome && wrong === undefined) return;
  const value = JSON.stringify(wrong ?? separators.length);
  const message =
    wrong === undefined
      ? `There are ${value} separators of steps.`
      : `The separators of steps include ${value}.`;
  throw new PilotfishError('option-invalid', message, {
    remedy: `Give ${says}.`,
    fields: { option: 'separators', value },
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };

/**
 * The separators of a user's text: the name of a style, or one separator with the escapes `\n`, `\t` and
 * `\\`.
 * @throws PilotfishError `option-invalid`
 */
export function parseSeparators(text: string): readonly string[] {
  if (Object.hasOwn(STEP_STYLES, text)) return STEP_STYLES[text as StepStyle];
  // A word is a misspelt style more likely than a separator.
  if (/^[a-z]+(-[a-z]+)*$/.test(text)) throw unknownStyle(text);
  const separator = text.replaceAll(/\\(.?)/gs, (escaped, letter: string) => {
    const character = ESCAPES[letter];
    if (character !== undefined) return character;
    throw new PilotfishError(
      'option-invalid',
      `A separator has "${escaped}", which is no escape.`,
      {
        remedy: 'Write a line end as \\n, a tab as \\t, and a backslash as \\\\.',
        fields: { option: '--steps', value: text },
      },
    );
  });
  checkStepLimits({ separators: [separator] });
  return [separator];
}

function unknownStyle(text: string): PilotfishError {
  return new PilotfishError('option-invalid', `There is no style of steps "${text}".`, {
    remedy:
      `Choose one of ${Object.keys(STEP_STYLES).join(', ')}, ` +
      'or give a separator such as "\\n---\\n".',
    fields: { option: '--steps', value: text },
  });
}
