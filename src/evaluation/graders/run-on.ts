/**
 * Where an output may go on after its answer with another question, as base models do that repeat
 * the form of their examples, and chat models whose end token was missed. The places are only
 * candidates: a question before any answer is the question told again.
 */

export interface RunOn {
  readonly start: number;
  /** Text before it counts as an answer even where no mark says so. */
  readonly isSure: boolean;
}

/** An output with more of them is read at the first ones. */
const PLACE_COUNT_MAX = 8;

const CHAT = new RegExp(
  [
    String.raw`<\|(?:im_start|im_end|endoftext|eot_id|eom_id|end_of_text|begin_of_text`,
    String.raw`|start_header_id|end|user|assistant|system|start|return)\|>|<\/?s>|<(?:end`,
    String.raw`|start)_of_turn>|\[\/?INST\]|<\uFF5C[^\uFF5C<>]{1,40}\uFF5C>`,
  ].join(''),
  'g',
);
/** A role on a line of its own, as chat markers leave it that were not printed. */
const ROLE = /^[ \t]*(?:user|human|system)[ \t]*$/gm;
const QUALIFIER = [
  '(?:(?:the|next|new|another|follow-?up|similar|example|sample|practice|extra',
  String.raw`|bonus)\s)*`,
].join('');
const QUESTION = new RegExp(
  [
    String.raw`^[ \t>#*_]*${QUALIFIER}`,
    `(?<word>question|problem|q|human|user|instruction|exercise|example|task|input|student)`,
    String.raw`[ \t]?#?(?<number>\d{1,4})?[ \t]?(?:[*_]{1,2})?(?::|[.)\]](?=\s)|(?=[*_ \t]*$))`,
  ].join(''),
  'gim',
);
const SURE = /^(?:question|problem|q|human|user|instruction)$/i;
const HEADING = /^[ \t]*#{1,6}[ \t]*(?:instruction|question|problem|exercise|input|example)\b/gim;
/** A paragraph that asks, after a line that ended in an answer. */
const ASKED = new RegExp(
  [
    String.raw`\n[ \t]*\n(?=(?<paragraph>[^\n]{0,600}?\b(?:how (?:many|much|long|far|old|tall|fast)`,
    String.raw`|what (?:is|was|are|percent\w*|fraction))\b[^\n?]{3,300}\?)[ \t]*(?:\n|$))`,
  ].join(''),
  'gi',
);
const ENDED = /(?:answer is|answer:|####|\\boxed)[^\n]{0,80}$/i;
const SECOND_THOUGHT = /\b(?:wait|actually|check|correct|mistake|right|verify|sure)\b/i;

/** In the order of the output. */
export function runOns(text: string): readonly RunOn[] {
  const found: RunOn[] = [
    ...[...text.matchAll(CHAT)].map(({ index }) => ({ start: index, isSure: true })),
    ...[...text.matchAll(ROLE)].map(({ index }) => ({ start: index, isSure: true })),
    ...[...text.matchAll(HEADING)].map(({ index }) => ({ start: index, isSure: false })),
    ...questions(text),
    ...askedParagraphs(text),
  ];
  return found.sort((a, b) => a.start - b.start).slice(0, PLACE_COUNT_MAX);
}

/** Without the later parts of a series that the output itself has begun: `Question 1:`, … */
function questions(text: string): readonly RunOn[] {
  const begun = new Set<string>();
  return [...text.matchAll(QUESTION)].flatMap(({ index, 0: line, groups }) => {
    const { word = '', number } = groups ?? {};
    // `Problem` alone on a line may be a heading; `Q` alone is nothing.
    if (number === undefined && !/[:.)\]]$/.test(line) && !/^[ \t]*#/.test(line)) return [];
    const key = (n: number): string => `${word.toLowerCase()} ${n}`;
    if (number !== undefined) {
      const isNext = begun.has(key(Number(number) - 1));
      begun.add(key(Number(number)));
      if (isNext) return [];
    }
    return [{ start: index, isSure: SURE.test(word) && number === undefined }];
  });
}

function askedParagraphs(text: string): readonly RunOn[] {
  return [...text.matchAll(ASKED)].flatMap(({ index, groups }) => {
    const paragraph = groups?.['paragraph'] ?? '';
    const before = text.slice(Math.max(0, index - 200), index).trimEnd();
    const isNew = paragraph.split(' ').length >= 8 && !SECOND_THOUGHT.test(paragraph);
    return isNew && ENDED.test(before) ? [{ start: index, isSure: false }] : [];
  });
}
