/** Where the steps of an answer end. Pure. */

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
