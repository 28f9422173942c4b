/**
 * Worked word problems before a question, so that models answer in a line or two: small models
 * follow examples better than instructions. They were written for this project, and are in no
 * published set.
 */
import type { ChatMessage } from '../../core/chat-message.ts';

const TASK = 'Work out the answer briefly, and put it inside \\boxed{}.';

const EXAMPLES: readonly (readonly [question: string, answer: string])[] = [
  [
    'Mia has 14 shells. She finds 9 more and gives 6 to her brother. How many shells does she have ' +
      'now?',
    'Mia has 14 + 9 = 23 shells with the new ones. She gives 6 away, so 23 - 6 = 17 are left. ' +
      '\\boxed{17}',
  ],
  [
    'A baker sells 8 trays of rolls with 12 rolls on each tray. 30 of the rolls are brown. How many ' +
      'rolls are not brown?',
    'There are 8 * 12 = 96 rolls. 96 - 30 = 66 of them are not brown. \\boxed{66}',
  ],
  [
    'Ben reads 20 pages on Monday and 35 pages on Tuesday. The book costs 12 dollars. How many more ' +
      'pages does he read on Tuesday than on Monday?',
    'The price does not matter. Ben reads 35 - 20 = 15 more pages on Tuesday. \\boxed{15}',
  ],
  [
    'A jar holds 48 sweets. Four children share a third of them equally. How many sweets does each ' +
      'child get?',
    'A third of the sweets is 48 / 3 = 16. Each child gets 16 / 4 = 4 of them. \\boxed{4}',
  ],
  [
    'Lena bought 17 stamps. Now she has 52 stamps. How many stamps did she have at first?',
    'The 17 new stamps are among the 52, so she had 52 - 17 = 35 at first. \\boxed{35}',
  ],
];

export const EXAMPLE_TURNS: readonly ChatMessage[] = EXAMPLES.flatMap(
  ([question, answer], index) => [
    { role: 'user', content: index === 0 ? `${TASK}\n\n${question}` : question },
    { role: 'assistant', content: answer },
  ],
);
