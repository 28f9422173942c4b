/**
 * Where an output says what its answer is. Three forms count as marks:
 *
 * - a box: `\boxed{…}` with balanced braces;
 * - a hash line: `#### 18`;
 * - a statement: `The answer is 18.`, `**Final answer:** 18`, up to the end of its line.
 *
 * A mark is read by the grader of its kind, which also says whether a hash line or statement is direct
 * (the answer comes first: `The answer is 18 eggs.`) or loose (words come first: `The answer is that
 * she has 18.`; a heading: `#### Step 2`). The order of precedence:
 *
 * 1. the last box or direct mark, whichever comes later, that can be read;
 * 2. the last loose statement that can be read;
 * 3. what the kind falls back to.
 */
import { closingBrace } from './braces.ts';

export interface Mark {
  readonly form: 'box' | 'hash' | 'statement';
  /** Where it begins in the output. */
  readonly start: number;
  readonly content: string;
}

export interface MarkReader<T> {
  /** @returns null where there is no answer in it */
  read(content: string): T | null;
  isDirect(content: string, form: 'hash' | 'statement'): boolean;
}

const BOX = /\\(?:boxed|fbox)\s*\{/g;
const HASH = /^[ \t]*####[ \t]*(\S.*)$/gm;
/**
 * Looks ahead at its content, which may hold the next statement; bounded, so that an output of nothing
 * but statements takes no time.
 */
const STATEMENT = new RegExp(
  [
    String.raw`\banswers?\b(?: (?:to|for|of) [^.:\n]{1,100}?)?[\s*_]*`,
    String.raw`(?:\b(?:is|are|was|would be|will be|should be|must be|equals)\b|[:=])`,
    String.raw`[\s*_:]*(?=([^\n]{0,300}))`,
  ].join(''),
  'gi',
);

/** An answer that is not finished says nothing: what comes from an open box on is left out. */
export function withoutOpenBox(output: string): string {
  for (const { index, 0: opening } of output.matchAll(BOX)) {
    const brace = index + opening.length - 1;
    if (closingBrace(output, brace) === null) return output.slice(0, index);
  }
  return output;
}

/** In the order of the output. */
function marksOf(output: string): readonly Mark[] {
  const boxes = [...output.matchAll(BOX)].flatMap(({ index, 0: opening }): Mark[] => {
    const brace = index + opening.length - 1;
    const close = closingBrace(output, brace);
    if (close === null) return [];
    return [{ form: 'box', start: index, content: output.slice(brace + 1, close) }];
  });
  const lines = (pattern: RegExp, form: 'hash' | 'statement'): readonly Mark[] =>
    [...output.matchAll(pattern)].map(({ index, 1: content = '' }) => {
      return { form, start: index, content: content.trim() };
    });
  return [...boxes, ...lines(HASH, 'hash'), ...lines(STATEMENT, 'statement')].sort(
    (a, b) => a.start - b.start,
  );
}

/** Rules 1 and 2 above. @returns null where no mark can be read */
export function readMarks<T>(output: string, { read, isDirect }: MarkReader<T>): T | null {
  const latestFirst = marksOf(output).toReversed();
  const isStrong = ({ form, content }: Mark): boolean => form === 'box' || isDirect(content, form);
  const strong = latestFirst.filter(isStrong);
  const loose = latestFirst.filter((mark) => !isStrong(mark) && mark.form === 'statement');
  for (const { content } of [...strong, ...loose]) {
    const answer = read(content);
    if (answer !== null) return answer;
  }
  return null;
}
