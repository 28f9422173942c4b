/**
 * Finds the statements of the final answer in an output. Four forms count as marks:
 *
 * - a box: `\boxed{…}` with balanced braces;
 * - a hash line: `#### 18`;
 * - a label: `**Final answer:** 18`, with the answer on its line or the next one;
 * - a claim: `The answer is 18.`, up to the end of its line.
 *
 * The grader of the answer's kind reads a mark. It also says whether the mark is direct (the answer
 * comes first: `The answer is 18 eggs.`) or loose (words come first: `The answer is that she has
 * 18.`). Loose content of a hash line or label is a heading or a calculation (`#### Step 2`,
 * `Answer: Ann has 16 eggs.`). The order of precedence:
 *
 * 1. the last readable box or direct mark, whichever comes later;
 * 2. the last readable loose claim;
 * 3. the fallback of the kind.
 */
import { closingBrace } from './braces.ts';

export type MarkForm = 'hash' | 'label' | 'claim';

interface Mark {
  readonly form: 'box' | MarkForm;
  /** The index in the output at which it begins. */
  readonly start: number;
  readonly content: string;
}

export interface MarkReader<T> {
  /** @returns null where the content holds no answer */
  read(content: string, form: Mark['form']): T | null;
  isDirect(content: string, form: MarkForm): boolean;
}

const BOX = /\\(?:boxed|fbox)\s*\{/g;
const HASH = /^[ \t]*####[ \t]*(\S.*)$/gm;
/**
 * The content is matched by a lookahead, because it may hold the next statement. It is bounded, so
 * that an output of nothing but statements takes little time.
 */
const STATEMENT = new RegExp(
  [
    String.raw`\banswers?\b(?: (?:to|for|of) [^.:\n]{1,100}?)?[\s*_]*`,
    String.raw`(?:\b(?<verb>is|are|was|would be|will be|should be|must be|equals)\b|[:=])`,
    // On the next line, `1. ` begins a calculation.
    String.raw`[\s*_:]*(?![\s*_:])(?!(?<=\n[\s*_]*)\d+[.)][ \t]+\S)(?=(?<content>[^\n]{0,300}))`,
  ].join(''),
  'gi',
);

/**
 * The output without a box that is not closed, and the text after it: an unfinished answer does not
 * count.
 */
export function withoutOpenBox(output: string): string {
  for (const { index, 0: opening } of output.matchAll(BOX)) {
    const brace = index + opening.length - 1;
    if (closingBrace(output, brace) === null) return output.slice(0, index);
  }
  return output;
}

/** The marks in the order of the output. */
function marksOf(output: string): readonly Mark[] {
  const boxes = [...output.matchAll(BOX)].flatMap(({ index, 0: opening }): Mark[] => {
    const brace = index + opening.length - 1;
    const close = closingBrace(output, brace);
    if (close === null) return [];
    return [{ form: 'box', start: index, content: output.slice(brace + 1, close) }];
  });
  const hashes = [...output.matchAll(HASH)].map(({ index, 1: content = '' }): Mark => {
    return { form: 'hash', start: index, content: content.trim() };
  });
  const statements = [...output.matchAll(STATEMENT)].map(({ index, 0: opening, groups }): Mark => {
    const isClaim = groups?.['verb'] !== undefined && !opening.includes('\n');
    const content = (groups?.['content'] ?? '').trim();
    return { form: isClaim ? 'claim' : 'label', start: index, content };
  });
  return [...boxes, ...hashes, ...statements].sort((a, b) => a.start - b.start);
}

/** Rules 1 and 2 above. @returns null where no mark can be read */
export function readMarks<T>(output: string, { read, isDirect }: MarkReader<T>): T | null {
  const latestFirst = marksOf(output).toReversed();
  const isStrong = ({ form, content }: Mark): boolean => form === 'box' || isDirect(content, form);
  const strong = latestFirst.filter(isStrong);
  const loose = latestFirst.filter((mark) => !isStrong(mark) && mark.form === 'claim');
  for (const { content, form } of [...strong, ...loose]) {
    const answer = read(content, form);
    if (answer !== null) return answer;
  }
  return null;
}
