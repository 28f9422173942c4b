/**
 * The scope of the pocket models: numbers and the words of pocket problems. They answer any other
 * text too, with nonsense about apples; the user should be warned.
 */
import * as phrases from './phrases.ts';

const KNOWN_WORDS: ReadonlySet<string> = new Set(
  [...phrases.ALL_PHRASES, ...phrases.NAMES, ...phrases.THINGS, ...phrases.CONTAINERS].flatMap(
    wordsOf,
  ),
);

export const POCKET_SCOPE: Scope = {
  covers: isPocketProblem,
  note:
    'the pocket pair only does arithmetic word problems in its own few words, such as "Ana has 12 ' +
    'apples. Ben gives Ana 5 apples. How many apples does Ana have now?"; this answer means nothing',
};

interface Scope {
  covers(text: string): boolean;
  readonly note: string;
}

function isPocketProblem(text: string): boolean {
  const isQuestion = text.trim().endsWith('?') && /\d/.test(text);
  return isQuestion && wordsOf(text).every((word) => KNOWN_WORDS.has(word));
}

function wordsOf(text: string): readonly string[] {
  return text.match(/[\p{L}']+/gu) ?? [];
}
