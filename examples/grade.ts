/** Grades answers of any engine, as lines of JSON. */
import { Readable } from 'node:stream';
import { gradeLines } from 'pilotfish';

const answers = [
  { answer: 'She has 3 + 4 = 7 eggs. #### 7\nQuestion: Tom has 5 eggs. …', gold: '7' },
  { answer: 'So it is \\boxed{\\frac{14}4}.', gold: '3.5' },
];
const input = Readable.from(answers.map((line) => `${JSON.stringify(line)}\n`));

for await (const { right, read, why } of gradeLines({ kind: 'number', input })) {
  console.log({ right, read, why });
}
