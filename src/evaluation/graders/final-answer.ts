/**
 * Finds the statement of the final answer in an output. These forms count as marks:
 *
 * - a box: `\boxed{…}` with balanced braces; boxes joined by `and`, `or` or a comma are one;
 * - a tag: `<answer>18</answer>`;
 * - a hash line: `#### 18`;
 * - a label: `**Final answer:** 18`, with the answer on its line or the next one;
 * - a claim: `The answer is 18.`, up to the end of its line.
 *
 * The grader of the answer's kind reads a mark. It also says whether the mark is direct (the answer
 * comes first: `The answer is 18 eggs.`) or loose (words come first: `The answer is that she has
 * 18.`). Loose content of a hash line or label is a heading or a calculation (`#### Step 2`,
 * `Answer: Ann has 16 eggs.`). The order of precedence:
 *
 * 1. what a correction after the last mark says;
 * 2. the last readable box, tag or direct mark, whichever comes later;
 * 3. the last readable loose claim;
 * 4. the fallback of the kind.
 *
 * Reasoning in tags does not count (spoken-text.ts), nor what comes after the answer and a new
 * question (run-on.ts).
 */
import type { Grade } from '../question.ts';
import { bracePairs } from './braces.ts';
import { runOns } from './run-on.ts';
import { spokenText } from './spoken-text.ts';

export type MarkForm = 'box' | 'tag' | 'hash' | 'label' | 'claim';

export interface Mark {
  readonly form: MarkForm;
  /** The index in the output at which it begins. */
  readonly start: number;
  readonly content: string;
  /** The mark in a reader's words: "the last box". */
  readonly name: string;
}

export interface Found<T> {
  readonly value: T;
  /** How it was read. */
  readonly why: string;
}

/** `unclear`: the mark says several answers, so that none counts, nor anything before it. */
export type MarkReading<T> = { readonly value: T } | 'unclear' | null;

export interface MarkReader<T> {
  /** @returns null where the content holds no answer */
  read(content: string, form: MarkForm): MarkReading<T>;
  isDirect(content: string, form: 'hash' | 'label' | 'claim'): boolean;
  /** Further marks that only this kind has. */
  marks?(output: string): readonly Mark[];
}

export type Fallback<T> = (text: string) => Found<T> | null;

/** A grade without an answer. */
export function wrong(why: string): Grade {
  return { isRight: false, extracted: null, why };
}

/** The final answer of a whole output. `value` is null where there is none. */
export function readAnswer<T>(
  output: string,
  reader: MarkReader<T>,
  fallback: Fallback<T>,
): Found<T> | Found<null> {
  const { text, cutOff } = spokenText(output);
  const found = readFirstAnswer(text, reader, fallback);
  if (found === 'unclear') return { value: null, why: 'several answers in one mark' };
  const missing = cutOff === null ? 'no answer found' : `no answer found: ${cutOff}`;
  return found ?? { value: null, why: missing };
}

type Outcome<T> = Found<T> | 'unclear' | null;

/** The answer before the output goes on with another question, else that of the whole output. */
function readFirstAnswer<T>(
  text: string,
  reader: MarkReader<T>,
  fallback: Fallback<T>,
): Outcome<T> {
  for (const { start, isSure } of runOns(text)) {
    const head = text.slice(0, start);
    if (head.trim() === '') continue;
    const found = readMarks(head, reader, fallback);
    if (found !== null) return found;
    const isPreamble = /:[\s*_]*$/.test(head);
    const told = isSure && !isPreamble ? fallback(head) : null;
    if (told !== null) return told;
  }
  return readMarks(text, reader, fallback) ?? fallback(text);
}

const BOX = /\\(?:boxed|fbox)\s*\{/g;
const TAG = new RegExp(
  [
    String.raw`<(?<tag>answer|final[_ -]?answer)>(?<content>[^<]{0,600}(?:<(?!\/?(?:answer`,
    String.raw`|final[_ -]?answer)>)[^<]{0,600}){0,20})(?:<\/\k<tag>>|$)|\[ANSWER\]`,
    String.raw`(?<bracketed>[^[]{0,600})\[\/ANSWER\]`,
  ].join(''),
  'gi',
);
const HASH = /^[ \t]*####[ \t]*(\S.*)$/gm;
const NOUN = [
  '(?:answers?|(?:correct|right|best|final|my|selected|chosen) (?:option|choice|result',
  '|response|selection|solution|pick))',
].join('');
/**
 * The content is matched by a lookahead, because it may hold the next statement. It is bounded, so
 * that an output of nothing but statements takes little time.
 */
const STATEMENT = new RegExp(
  [
    String.raw`\b${NOUN}\b["'\u201d]?(?: (?:to|for|of) [^.:\n]{1,100}?)?[\s*_]*`,
    String.raw`(?:\b(?<verb>is|are|was|would be|will be|should be|must be|has to be|equals|comes `,
    String.raw`(?:out )?to|turns out to be)\b|[:=]|(?<= )[-\u2013\u2014](?= ))`,
    // On the next line, `1. ` begins a calculation.
    String.raw`[\s*_:]*(?![\s*_:])(?!(?<=\n[\s*_]*)\d+[.)][ \t]+\S)(?=(?<content>[^\n]{0,300}))`,
  ].join(''),
  'gi',
);
/** A heading over the answer, without a colon. */
const HEADING = new RegExp(
  [
    String.raw`^[ \t]*(?:#{1,6}[ \t]*\**|\*\*)(?:the )?(?:final |correct )?answer[ \t*_#]*\n\s*(?=`,
    String.raw`(?<content>[^\n]{1,300}))`,
  ].join(''),
  'gim',
);
/** `To check the answer: 7 - 4 = 3`, `If the answer is 5`, `You might think the answer is 5`. */
const NO_STATEMENT = new RegExp(
  [
    String.raw`\b(?:check|verif|confirm|test|validat|prov(?:e|ing)|explain|explanation|justif)\w*`,
    `(?: (?:of|for|that))?(?: (?:the|my|our|your|this|that|final|correct))*`,
    String.raw`|\b(?:if|whether|suppose|assum\w+|unless|imagine)(?: (?:that|the|my|our|your|final|correct))*`,
    String.raw`|\b(?:you|one|some|someone|somebody|many|people|he|she|they|students)(?: (?:may`,
    '|might|could|would|will))?',
    ` (?:think|say|guess|believe|expect|claim|assume)s?(?: (?:that|the|final|correct))*`,
  ].join(''),
  'i',
);
const NO_STATEMENT_BEFORE = new RegExp(`(?:${NO_STATEMENT.source})[\\s*_"']*$`, 'i');
const BEFORE_CHARACTERS = 80;
const ARTICLE = /(?:\b(?:the|my|our)\s+)?(?:\b(?:final|correct|right|best)\s+)*$/i;
/** A second thought that takes the answer back, and says the other one in its last sentence. */
const CORRECTION = new RegExp(
  [
    String.raw`\b(?:i(?:'ve| have)? (?:made|misread|miscounted|miscalculated|was wrong)|that(?:'s`,
    '| is| was) (?:wrong|incorrect|not (?:right|correct))|my mistake|my apologies',
    String.raw`|correction|scratch that|it should (?:be|have been))\b`,
  ].join(''),
  'gi',
);

/** The marks in the order of the output. */
function marksOf(output: string): readonly Mark[] {
  const tags = [...output.matchAll(TAG)].map(({ index, groups }): Mark => {
    const content = (groups?.['content'] ?? groups?.['bracketed'] ?? '').trim();
    return { form: 'tag', start: index, content, name: 'the last answer tag' };
  });
  const hashes = [...output.matchAll(HASH)].map(({ index, 0: line, 1: content = '' }): Mark => {
    return {
      form: 'hash',
      start: index,
      content: content.trim(),
      name: `the line ${quoted(line)}`,
    };
  });
  return [...boxes(output), ...tags, ...hashes, ...statements(output)];
}

function statements(output: string): readonly Mark[] {
  return [...output.matchAll(STATEMENT), ...output.matchAll(HEADING)].flatMap((match): Mark[] => {
    const { index, 0: opening, groups } = match;
    const before = output.slice(Math.max(0, index - BEFORE_CHARACTERS), index);
    if (NO_STATEMENT_BEFORE.test(before)) return [];
    const isClaim = groups?.['verb'] !== undefined && !opening.includes('\n');
    const content = (groups?.['content'] ?? '').trim();
    const form = isClaim ? 'claim' : 'label';
    const said = `${ARTICLE.exec(before)?.[0] ?? ''}${opening}${content}`;
    return [{ form, start: index, content, name: `the ${form} ${quoted(said)}` }];
  });
}

const JOINT =
  /^[\s$.,;*\\()[\]]*(?:,|;|and|or|\\text\{\s*(?:and|or)\s*\})[\s$\\([*]*(?:[A-Za-z]\s*=\s*)?$/;

function boxes(output: string): readonly Mark[] {
  const openings = [...output.matchAll(BOX)];
  if (openings.length === 0) return [];
  const pairs = bracePairs(output);
  const marks: (Mark & { readonly end: number })[] = [];
  for (const { index, 0: opening } of openings) {
    const brace = index + opening.length - 1;
    const end = pairs.get(brace);
    if (end === undefined) continue;
    const content = output.slice(brace + 1, end);
    const last = marks.at(-1);
    const between = last === undefined ? '' : output.slice(last.end + 1, index);
    const isJoined = last !== undefined && between.length < 40 && JOINT.test(between);
    const name = isJoined ? 'the last boxes' : 'the last box';
    const joined = isJoined ? joinedContent(last.content, content, between) : content;
    if (isJoined) marks.pop();
    marks.push({ form: 'box', start: index, content: joined, name, end });
  }
  return marks;
}

function joinedContent(before: string, after: string, between: string): string {
  return `${before}${between.includes('or') ? ' or ' : ', '}${after}`;
}

const QUOTED_CHARACTERS = 60;

/** A short quotation on one line. */
function quoted(text: string): string {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[*_]{2,}/g, '')
    .trim();
  if (line.length <= QUOTED_CHARACTERS) return `"${line}"`;
  return `"${line.slice(0, QUOTED_CHARACTERS).trimEnd()} …"`;
}

/** Rules 1 to 3 above. @returns null where no mark can be read */
function readMarks<T>(output: string, reader: MarkReader<T>, fallback: Fallback<T>): Outcome<T> {
  const all = [...marksOf(output), ...(reader.marks?.(output) ?? [])];
  const latestFirst = all.sort((a, b) => b.start - a.start);
  const loose: Mark[] = [];
  const read = ({ content, form, name, start }: Mark): Outcome<T> => {
    const answer = reader.read(content, form);
    if (answer === null || answer === 'unclear') return answer;
    return corrected(output, start, fallback) ?? { ...answer, why: name };
  };
  for (const mark of latestFirst) {
    const { form, content } = mark;
    const isStrong = form === 'box' || form === 'tag' || reader.isDirect(content, form);
    const found = isStrong ? read(mark) : null;
    if (found !== null) return found;
    if (!isStrong && form === 'claim') loose.push(mark);
  }
  for (const mark of loose) {
    const found = read(mark);
    if (found !== null) return found;
  }
  return null;
}

/** What the last sentence after `I made a mistake` says, where it comes after the answer. */
function corrected<T>(output: string, start: number, fallback: Fallback<T>): Outcome<T> {
  const rest = output.slice(start);
  const last = [...rest.matchAll(CORRECTION)].at(-1);
  if (last === undefined || last.index > CORRECTED_WITHIN) return null;
  const said = rest
    .slice(last.index)
    .split(/(?<=[.!?])\s+|\n/)
    .filter((line) => line.trim() !== '');
  const sentence = said.slice(0, CORRECTION_SENTENCES).at(-1) ?? '';
  const answer = fallback(sentence);
  return answer === null ? null : { ...answer, why: 'the correction after the answer' };
}

/** A correction follows its answer soon, and is short. */
const CORRECTED_WITHIN = 600;
const CORRECTION_SENTENCES = 4;
