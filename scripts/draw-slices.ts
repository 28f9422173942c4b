/**
 * Draws the slices that the library carries. It needs no data: questions are numbered, and their number
 * is part of each set's definition. A test compares the file with the drawn slices.
 *
 *   npm run slices
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DrawnSlice } from '../src/evaluation/slices/slice.ts';
import { shuffled } from '../src/evaluation/tasks/select.ts';

const FILE = join(import.meta.dirname, '../src/evaluation/slices/drawn-slices.ts');
const SEED = 20260101;
const LINE_LENGTH = 100;

interface Draw {
  readonly name: string;
  readonly task: string;
  readonly split: string;
  /** The part of an id before its number. */
  readonly prefix: string;
  /** The numbers of the split, without the last. */
  readonly first: number;
  readonly end: number;
  readonly count: number;
}

const GSM8K_TEST = { task: 'gsm8k', split: 'test', prefix: 'gsm8k/test/', first: 0, end: 1319 };
const GSM8K_TRAIN = { task: 'gsm8k', split: 'train', prefix: 'gsm8k/train/', first: 0, end: 7473 };
const SVAMP_TEST = {
  task: 'svamp',
  split: 'test',
  prefix: 'svamp/test/chal-',
  first: 301,
  end: 1001,
};
const SVAMP_TRAIN = {
  task: 'svamp',
  split: 'train',
  prefix: 'svamp/train/chal-',
  first: 1,
  end: 301,
};

const DRAWS: readonly Draw[] = [
  { name: 'gsm8k-test-400', ...GSM8K_TEST, count: 400 },
  { name: 'gsm8k-train-40', ...GSM8K_TRAIN, count: 40 },
  { name: 'svamp-test-400', ...SVAMP_TEST, count: 400 },
  { name: 'svamp-train-40', ...SVAMP_TRAIN, count: 40 },
];

function numbersOf({ first, end, count }: Draw): readonly number[] {
  const all = Array.from({ length: end - first }, (_, index) => first + index);
  return shuffled(all, SEED).slice(0, count);
}

/** The slices by name. */
export function drawSlices(): Readonly<Record<string, DrawnSlice>> {
  const drawn = DRAWS.map((draw) => {
    const { name, task, split, prefix } = draw;
    return [name, { task, split, prefix, numbers: numbersOf(draw) }] as const;
  });
  return Object.fromEntries(drawn);
}

function filled(numbers: readonly number[]): readonly string[] {
  const lines = ['     '];
  for (const number of numbers) {
    const item = ` ${number},`;
    if ((lines.at(-1) ?? '').length + item.length > LINE_LENGTH) lines.push('     ');
    lines.push(`${lines.pop() ?? ''}${item}`);
  }
  return lines;
}

function sourceText(): string {
  const slices = DRAWS.flatMap((draw) => [
    `  '${draw.name}': {`,
    `    task: '${draw.task}',`,
    `    split: '${draw.split}',`,
    `    prefix: '${draw.prefix}',`,
    '    numbers: [',
    ...filled(numbersOf(draw)),
    '    ],',
    '  },',
  ]);
  return [
    '/** Drawn by `npm run slices`: not to be edited. The order is that of the draw. */',
    "import type { DrawnSlice } from './slice.ts';",
    '',
    'export const DRAWN_SLICES: Readonly<Record<string, DrawnSlice>> = {',
    ...slices,
    '};',
    '',
  ].join('\n');
}

if (resolve(process.argv[1] ?? '') === import.meta.filename) writeFileSync(FILE, sourceText());
