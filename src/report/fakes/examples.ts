/** The answers of a made-up evaluation. One of them tries to break the program that shows it. */
import type { Example, ExampleToken } from '../../evaluation/results.ts';

/**
 * The words of a text as tokens. Words in brackets are the large model's, in braces prompt
 * lookup's.
 */
function tokensOf(text: string): ExampleToken[] {
  return [...text.matchAll(/\[([^\]]*)\]|\{([^}]*)\}|(\s*[^\s[{]+|\s+)/g)].map((match, place) => {
    const [, large, lookup, small = ''] = match;
    if (large !== undefined) return { text: large, origin: 'large', score: 1.7 + place / 100 };
    if (lookup !== undefined) return { text: lookup, origin: 'prompt-lookup', score: null };
    return { text: small, origin: 'small', score: 0.1 + place / 200 };
  });
}

export const HOSTILE =
  "<script>alert(\"1\")</script><img src=x onerror=alert(2)> & 'quoted' `x` $' $` $&";

export const EXAMPLES: readonly Example[] = [
  {
    questionId: 'gsm8k-17',
    question:
      'Natalia sold 48 clips in April and half as many in May. How many clips did she sell in all?',
    answer: '72',
    answers: [
      {
        strategy: 'small',
        threshold: null,
        isRight: false,
        extracted: '96',
        tokens: tokensOf('In May she sold 48 clips.\nIn all she sold 48 + 48 = 96 clips.'),
      },
      {
        strategy: 'entropy',
        threshold: 1,
        isRight: true,
        extracted: '72',
        tokens: tokensOf('In May she sold [ half], 48 / 2 = [ 24] clips.\nIn all { 48} + 24 = 72.'),
      },
      {
        strategy: 'random',
        threshold: 0.2,
        isRight: false,
        extracted: null,
        tokens: tokensOf('In[ May] she sold 48 clips, and half[ as] many'),
      },
    ],
  },
  {
    questionId: HOSTILE,
    question: `What does ${HOSTILE} print?`,
    answer: HOSTILE,
    answers: [
      {
        strategy: HOSTILE,
        threshold: null,
        isRight: false,
        extracted: HOSTILE,
        tokens: [
          { text: HOSTILE, origin: 'small', score: 0.5 },
          { text: '</span></pre></body>', origin: 'large', score: null },
        ],
      },
      {
        strategy: 'large',
        threshold: null,
        isRight: true,
        extracted: '1',
        tokens: tokensOf('[It] [ prints] [ 1.]'),
      },
    ],
  },
];
