/**
 * The ways in which only a choice is claimed: `I would pick B`, `B is correct`, `Therefore, (B).`
 */
import type { Mark } from './final-answer.ts';

/** What comes before the option. */
const BEFORE: readonly RegExp[] = [
  new RegExp(
    [
      String.raw`\bI(?:'d|'ll| would| will| think I(?:'d| would)| am going to|'m going to)?(?: `,
      '(?:rather|probably|definitely|therefore|have to|go and))* (?:pick|choose|chose',
      '|picked|select|selected|go with|went with|going with|go for|opt for|say|vote for',
      String.raw`|prefer) (?=\S)`,
    ].join(''),
    'gi',
  ),
  new RegExp(
    [
      String.raw`\b(?:I (?:think|believe|would say|'d say|guess)|I'd say)(?: that)?(?: it(?:'s| is`,
      String.raw`| must be)| the answer is)? (?=\S)`,
    ].join(''),
    'gi',
  ),
  /\b(?:going|go) with (?=\S)/gi,
  /\b[Aa](?:nswer|NSWER) (?=\(?[A-Z]\)?[\s.]*$)/gm,
  /\b(?:letter|solution|verdict|conclusion) (?:is|=|:) (?=\S)/gi,
  new RegExp(
    [
      String.raw`\b(?:option|choice|pick|selection)s?(?:,| that| which)? (?:that )?(?:is|fits|matches`,
      String.raw`|works)(?: (?:best|the|correct|right|most likely|therefore))*(?: is)?:? (?=\S)`,
    ].join(''),
    'gi',
  ),
  new RegExp(
    [
      String.raw`(?:^|[\n.!?:])\s{0,4}(?:(?:so|therefore|thus|hence|consequently|in conclusion`,
      `|finally)[,:]? )(?:(?:it|that|this|the (?:answer|choice|option))(?:'s| is| must be`,
      String.raw`| has to be| would be) )?(?=\S)`,
    ].join(''),
    'gi',
  ),
  /(?:^|[\n.!?])\s{0,4}(?:it|that)(?:'s| is| must be| has to be| would be) (?=\S)/gi,
];
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
/** A statement about the one thing that is denied claims nothing. */
const DENIED =
  /(?:\bnot|n't|\bnever|\bneither|\bif|\bwhether|\bthan|\bunless)\s*(?:option |choice |that |the )*["'(*]*$/i;
const CLAIM_CHARACTERS_MAX = 200;

/** Claims of an option, as marks. Whether an option stands there, the choice grader says. */
export function choiceClaims(output: string, options: readonly string[]): readonly Mark[] {
  const before = BEFORE.flatMap((pattern) =>
    [...output.matchAll(pattern)].flatMap(({ index, 0: opening }): readonly Mark[] => {
      const start = index + opening.length;
      return claim(output, start, sentenceAt(output, start), opening + sentenceAt(output, start));
    }),
  );
  const after = [...output.matchAll(LETTER_AFTER)].flatMap((match): readonly Mark[] => {
    const [said, enclosed, bracketed, bare] = match;
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
  if (DENIED.test(output.slice(Math.max(0, start - 40), start))) return [];
  const name = `the claim "${said.replaceAll(/\s+/g, ' ').trim().slice(0, 60)}"`;
  return [{ form: 'claim', start, content, name }];
}

function sentenceAt(output: string, start: number): string {
  const line = output.slice(start, start + CLAIM_CHARACTERS_MAX).split('\n')[0] ?? '';
  return line;
}
