/**
 * The ways in which only a choice is claimed: `I would pick B`, `B is correct`, `Therefore, (B).`
 */
import type { Mark } from './final-answer.ts';

function group(words: string): string {
  return `(?:${words})`;
}

const WILL = `(?:'d|'ll| would| will| think I(?:'d| would)| am going to|'m going to)?`;
const CHOOSE = [
  group('pick|choose|chose|picked|select|selected|go with|went with|going with|go for|opt for'),
  group('say|vote for|prefer'),
].join('|');
const HASTE = group('rather|probably|definitely|therefore|have to|go and');
const MUST = `(?:'s| is| must be| has to be| would be)`;
const BEGINNING = String.raw`(?:^|[\n.!?])\s{0,4}`;
const NOUN = group('option|choice|pick|selection|response|verdict');

/** What comes before the option. */
const BEFORE: readonly RegExp[] = [
  String.raw`\b(?:I|we)${WILL}(?: ${HASTE})* (?:${CHOOSE}) `,
  String.raw`\bI (?:think|believe|guess)(?: that)?(?: it${MUST}| the answer is)? `,
  String.raw`\b(?:going|go) with `,
  `${BEGINNING}(?:choose|pick|select) `,
  String.raw`\banswer (?=\(?[A-Z]\)?[\s.]*(?:$|\n))`,
  String.raw`\b(?:letter|solution|conclusion) (?:is|=|:) `,
  String.raw`(?:^|\n)\W{0,6}${NOUN}[ *_]*[:=][ *_]*`,
  String.raw`\b${NOUN}s?(?:,| that| which)? (?:that )?(?:is|fits|matches|works)`,
  `${BEGINNING}(?:so|therefore|thus|hence|consequently|in conclusion|finally)[,:]? `,
  String.raw`(?:^|[\n.!?,;:])\s{0,4}(?:but |so )?(?:it|that|this)${MUST} `,
].map((pattern) => new RegExp(String.raw`${pattern}(?=\s?\S)`, 'gi'));
/** Words between such a beginning and the option. */
const FILLER = new RegExp(
  [
    String.raw`^\s*(?:(?:that |because )?(?:it|that|this|the (?:answer|choice|option))${MUST} `,
    String.raw`|(?:best|the|correct|right|most likely|therefore|is|:)\s+(?=\S))*`,
  ].join(''),
  'i',
);
/** What comes after an option. */
const AFTER = [
  String.raw`[)\]"'”’*_]*[^\S\n]*(?:,[^\S\n]*)?(?:is|are|must be|has to be|would be|seems`,
  String.raw`|looks)[^\S\n]+(?:therefore |thus |clearly |definitely |indeed |most likely `,
  `|probably |the (?:only )?(?:one )?(?:that(?:'s| is) )?|a |an )*(?:most |more )?`,
  String.raw`(?:correct|right|best|true|valid|accurate|appropriate|likely)(?! (?:if|when|only)\b)`,
  String.raw`(?: (?:answer|option|choice))?\b`,
].join('');
const LETTER_AFTER = new RegExp(
  [
    String.raw`(?<![A-Za-z]|n't )(?:\(([A-Z])\)|\[([A-Z])\]|\b([A-Z]))(?:[).:]?[^\S\n]+(?:`,
    String.raw`(?!\b[A-Z]\b|\b(?:is|are|not|wrong)\b)[^\n.;,]){1,60}?)??${AFTER}`,
  ].join(''),
  'g',
);
/** A statement about an option that is denied claims nothing. */
const DENIED = new RegExp(
  [
    String.raw`(?:\bnot|n't|\bnever|\bneither|\bif|\bwhether|\bthan|\bunless)\s*(?:sure |think `,
    `|believe |say |option |choice |that |if |the )*["'(*]*$`,
  ].join(''),
  'i',
);
/** `If x is even then`: what follows is claimed only then. */
const SUPPOSED =
  /\b(?:if|unless|otherwise|in case)\b(?!.*\b(?:so|therefore|thus|hence)\b)[^.!?\n]*$/i;
/** `A and` before the option: both are said. */
const JOINED = /\b[A-Z]\)?(?:,| and| or|, and|, or|\/)\s*["'(*]*$/;
const CLAIM_CHARACTERS_MAX = 200;
const BEFORE_CHARACTERS = 100;

/** Claims of an option, as marks. Whether an option stands there, the choice grader says. */
export function choiceClaims(output: string, options: readonly string[]): readonly Mark[] {
  const before = BEFORE.flatMap((pattern) =>
    [...output.matchAll(pattern)].flatMap(({ index, 0: opening }): readonly Mark[] => {
      const start = index + opening.length;
      const said = lineAt(output, start);
      return claim(output, start, said.replace(FILLER, ''), opening + said);
    }),
  );
  const after = [...output.matchAll(LETTER_AFTER)].flatMap((match): readonly Mark[] => {
    const [said, enclosed, bracketed, bare] = match;
    if (JOINED.test(output.slice(Math.max(0, match.index - 12), match.index))) return [];
    return claim(output, match.index, `(${enclosed ?? bracketed ?? bare})`, said);
  });
  return [...before, ...after, ...textsAfter(output, options)];
}

/** `Paris is correct`. */
function textsAfter(output: string, options: readonly string[]): readonly Mark[] {
  const lower = output.toLowerCase();
  return options.flatMap((option) => {
    const words = option.trim().toLowerCase();
    if (words.length < 2) return [];
    const escaped = words.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    const pattern = new RegExp(String.raw`(?<![\p{L}\p{N}])${escaped}${AFTER}`, 'gu');
    return [...lower.matchAll(pattern)].flatMap(({ index, 0: said }) => {
      return claim(output, index, option, said);
    });
  });
}

function claim(output: string, start: number, content: string, said: string): readonly Mark[] {
  const before = output.slice(Math.max(0, start - BEFORE_CHARACTERS), start);
  if (DENIED.test(before) || SUPPOSED.test(before)) return [];
  const name = `the claim "${said.replaceAll(/\s+/g, ' ').trim().slice(0, 60)}"`;
  return [{ form: 'claim', start, content, name }];
}

function lineAt(output: string, start: number): string {
  return output.slice(start, start + CLAIM_CHARACTERS_MAX).split('\n')[0] ?? '';
}
