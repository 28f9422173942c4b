/**
 * The pocket task: generated word problems with worked steps, equal for equal (split, seed, index).
 * A model of a few million parameters can learn it; one of a hundred thousand can learn it in part.
 *
 * The splits:
 *
 * - `train`;
 * - `test`: problems of the same kind that are never in `train`, because their texts hash to other
 *   values;
 * - `templates`: phrasings that are never in `train`;
 * - `numbers`: problems whose first number is from a range that `train` never begins with.
 */
import { createHash } from 'node:crypto';
import { PilotfishError } from '../../../core/errors.ts';
import { InvariantError } from '../../../core/invariant.ts';
import { Dice } from './dice.ts';
import { OPERATIONS, type OperationName, type World } from './operations.ts';
import * as phrases from './phrases.ts';

export type PocketSplit = 'train' | 'test' | 'templates' | 'numbers';

export interface PocketOptions {
  readonly split: PocketSplit;
  readonly seed: number;
  /** The fewest and most operations, from 1 to 5; default 2 to 4. */
  readonly operationCountMin?: number;
  readonly operationCountMax?: number;
  /** The limit of all numbers; default 60. */
  readonly numberMax?: number;
}

export interface PocketProblem {
  readonly question: string;
  /** The worked steps, without the final line. */
  readonly steps: readonly string[];
  readonly answer: number;
  readonly operations: readonly OperationName[];
}

const OPERATION_COUNT_LIMIT = 5;
const NUMBER_MAX_DEFAULT = 60;
/** Problems that begin with one of these numbers are only in the `numbers` split. */
const HELD_OUT_NUMBERS = { min: 36, max: 40 };
/** One text in this many belongs to `test`. */
const TEST_SHARE = 16;
const IRRELEVANT_SHARE = 0.3;
/** The most attempts to find a problem of the split; one in `TEST_SHARE` is expected to succeed. */
const ATTEMPTS_MAX = 1000;

/** @throws PilotfishError `option-invalid` */
export function pocketProblem(options: PocketOptions, index: number): PocketProblem {
  const { operationCountMin: min = 2, operationCountMax: max = 4 } = options;
  checkCounts(min, max, options.numberMax ?? NUMBER_MAX_DEFAULT);
  const dice = new Dice(options.seed, index);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const problem = tell(dice, options, dice.between(min, max));
    if (problem !== null && belongs(problem, options.split)) return problem;
  }
  throw new InvariantError(`no problem of the split ${options.split} in ${ATTEMPTS_MAX} attempts`);
}

function checkCounts(min: number, max: number, numberMax: number): void {
  const isCount = (value: number): boolean =>
    Number.isSafeInteger(value) && value >= 1 && value <= OPERATION_COUNT_LIMIT;
  if (isCount(min) && isCount(max) && min <= max && Number.isSafeInteger(numberMax)) {
    if (numberMax > HELD_OUT_NUMBERS.max && numberMax < 1000) return;
  }
  throw new PilotfishError(
    'option-invalid',
    `Problems of ${min} to ${max} operations with numbers up to ${numberMax} cannot be made.`,
    {
      remedy:
        `Give from 1 to ${OPERATION_COUNT_LIMIT} operations and numbers up to ` +
        `${HELD_OUT_NUMBERS.max + 1} to 999.`,
      fields: { min, max, numberMax },
    },
  );
}

function tell(dice: Dice, options: PocketOptions, operationCount: number): PocketProblem | null {
  const { split, numberMax = NUMBER_MAX_DEFAULT } = options;
  const isHeldOut = split === 'templates';
  let world = opening(dice, split, numberMax);
  const sentences = [say(phrases.OPENING, dice, isHeldOut, world, { n: world.count })];
  const steps: string[] = [];
  const operations: OperationName[] = [];
  while (operations.length < operationCount) {
    const name = dice.pick(Object.keys(OPERATIONS) as OperationName[]);
    const told = OPERATIONS[name](world, dice, { numberMax });
    if (told === null) continue;
    if (dice.next() < IRRELEVANT_SHARE / operationCount)
      sentences.push(aside(dice, isHeldOut, world));
    sentences.push(say(told.phrasings, dice, isHeldOut, world, told.fillers));
    steps.push(told.step);
    operations.push(name);
    world = told.world;
  }
  sentences.push(say(phrases.QUESTION, dice, isHeldOut, world, {}));
  return { question: sentences.join(' '), steps, answer: world.count, operations };
}

function opening(dice: Dice, split: PocketSplit, numberMax: number): World {
  const person = dice.pick(phrases.NAMES);
  const things = dice.pick(phrases.THINGS);
  const { min, max } = HELD_OUT_NUMBERS;
  if (split === 'numbers') return { person, things, count: dice.between(min, max) };
  const number = dice.between(2, numberMax - (max - min + 1));
  return { person, things, count: number < min ? number : number + (max - min + 1) };
}

function aside(dice: Dice, isHeldOut: boolean, world: World): string {
  const Q = dice.pick(phrases.NAMES.filter((name) => name !== world.person));
  return say(phrases.IRRELEVANT, dice, isHeldOut, world, { Q, n: dice.between(2, 30) });
}

function say(
  { train, heldOut }: phrases.Phrasings,
  dice: Dice,
  isHeldOut: boolean,
  { person, things }: World,
  fillers: Readonly<Record<string, string | number>>,
): string {
  const values: Readonly<Record<string, string | number>> = { P: person, T: things, ...fillers };
  const phrase = dice.pick(isHeldOut ? heldOut : train);
  return phrase.replace(/\{(\w)\}/g, (_, name: string) => String(values[name]));
}

function belongs({ question }: PocketProblem, split: PocketSplit): boolean {
  if (split === 'templates' || split === 'numbers') return true;
  const hash = createHash('sha256').update(question).digest().readUInt32LE(0);
  return (hash % TEST_SHARE === 0) === (split === 'test');
}
