import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNumber, gradeNumber, readNumber } from './number.ts';

describe('a number in the many ways it is written', () => {
  it.each([
    ['$1,200.50 dollars', '1200.5'],
    ['45%', '45'],
    ['45 percent', '45'],
    ['3 hours', '3'],
    ['12 eggs.', '12'],
    ['-5', '-5'],
    ['\u22125', '-5'],
    ['-$5', '-5'],
    ['$-5', '-5'],
    ['3/4', '0.75'],
    ['3 / 4', '3/4'],
    ['1 1/2', '1.5'],
    ['1½', '1.5'],
    ['\u2212½', '-0.5'],
    ['1e3', '1000'],
    ['1.2 × 10^3', '1200'],
    ['1.2 \\times 10^{3}', '1200'],
    ['18.00', '18'],
    ['.5', '1/2'],
    ['**18**', '18'],
    ['**$18**.', '18'],
    ['12 345', '12345'],
    ['12\u202f345\u202f678', '12345678'],
    ['1,450,000', '1450000'],
    ['$1.45 million', '1,450,000'],
    ['€20', '20'],
    ['USD 20', '20'],
    ['Rs. 20', '20'],
    ['\\$32,\\!348', '32348'],
    ['1{,}200', '1200'],
    ['\\frac{3}{4}', '0.75'],
    ['-\\frac{3}{4}', '-0.75'],
    ['\\frac34', '0.75'],
    ['1\\frac{1}{2}', '1.5'],
    ['x = 18', '18'],
    ['9 * 2 = 18', '18'],
    ['9 eggs * $2 = $18 a day', '18'],
    ['about 18', '18'],
    ['15 cm^2', '15'],
    ['15 m²', '15'],
    ['18 on the 2nd day', '18'],
    ['0', '0.00'],
    ['33 1/3', '100/3'],
  ])('reads %j as %s', (written, answer) => {
    for (const form of ['The answer is X.', '#### X', 'so \\boxed{X}', 'Answer: X', 'X']) {
      const output = form.replace('X', () => written);
      expect(gradeNumber(output, answer), output).toMatchObject({ isRight: true });
      expect(gradeNumber(output, '77'), output).toMatchObject({ isRight: false });
    }
  });

  it.each([
    ['18', '18.01'],
    ['0.33', '1/3'],
    ['45%', '0.45'],
    ['1,200', '1.2'],
    ['5', '-5'],
    ['9007199254740993', '9007199254740992'],
  ])('does not take %j for %s', (written, answer) => {
    expect(gradeNumber(`The answer is ${written}.`, answer).isRight).toBe(false);
  });

  it('accepts a share for a percentage where the right answer is in per cent', () => {
    expect(gradeNumber('The answer is 0.45.', '45%').isRight).toBe(true);
    expect(gradeNumber('The answer is 9/20.', '45%').isRight).toBe(true);
    expect(gradeNumber('The answer is 45.', '45%').isRight).toBe(true);
    expect(gradeNumber('The answer is 0.45%.', '45%').isRight).toBe(false);
    expect(gradeNumber('The answer is 0.45.', '45').isRight).toBe(false);
  });

  it.each([
    '',
    'none',
    'A4',
    'cm^2',
    'x_1',
    'the 2nd',
    'release 1.2.3',
    '5/0',
    '1e999',
    '\\boxed{}',
  ])('finds none in %j', (output) => {
    expect(gradeNumber(output, '0')).toMatchObject({ isRight: false, extracted: null });
  });
});

describe('the number that is the answer', () => {
  it.each([
    // Marks take precedence over later text.
    ['The answer is 18. She began with 16 eggs.', '18'],
    ['#### 18\n\nI used that 16 - 3 - 4 = 9.', '18'],
    ['\\boxed{18} dollars from 16 eggs', '18'],
    ['**Answer:** 18 dollars, from 16 eggs', '18'],
    ['**Final Answer**: $18', '18'],
    ['Answer:\n\n18', '18'],
    ['**Answer:**\n\n**18**\n\nShe began with 16.', '18'],
    ['The final answer is:\n\\[ \\boxed{18} \\]', '18'],
    ['The answer to the question is 18, as 16 - 3 = 13 shows', '18'],
    ['The answer is $18 because 9 * 2 = 18 and 16 > 2', '18'],
    ['The answer is 3 (since 1 + 2 = 3).', '3'],
    // The result of a chain comes after its last sign.
    ['The answer is 9 * 2 = 18 dollars in 1 day.', '18'],
    ['The answer is 9 * 2 = **18** for 1 day of 3.', '18'],
    ['The answer is 9 eggs * $2 = $18 of a well-known 20.', '18'],
    ['The answer is that she makes 9 * 2 = 18 dollars in 1 day.', '18'],
    ['The answer is 18 = 9 * 2', '18'],
    ['The answer is 18 = 9 eggs * $2 a day', '18'],
    ['The answer is 18 = 9 x 2', '18'],
    ['The answer is 18 = 20 -2', '18'],
    ['The answer is 18 = 6 * (2 + 1)', '18'],
    // The last of several marks counts.
    ['\\boxed{16}, no: \\boxed{18}', '18'],
    ['The answer is 16. Wait. The answer is 18.', '18'],
    ['#### 16\n#### 18', '18'],
    ['\\boxed{9} eggs are left. The answer is 18.', '18'],
    ['The answer is 9 so far.\n\\boxed{18}', '18'],
    // Direct marks take precedence over loose statements, wherever they are.
    ['\\boxed{18}\nSo the answer is that she makes 18 of 16', '18'],
    ['The answer is that in 3 days she makes 18.', '18'],
    ['The answer is not 18 but 20.', '20'],
    ['The answer is 20, not 18.', '20'],
    ['She makes 20 dollars, not 18.', '20'],
    ['She makes $20 rather than $18.', '20'],
    // Without a mark, the result of the last sentence with a number counts.
    ['She makes 9 * 2 = 18 dollars in 1 day.', '18'],
    ['16 - 3 - 4 = 9\n9 * 2 = 18', '18'],
    ['She has 16. She sells 18.', '18'],
    ['She makes 18 dollars.\nIs that right?', '18'],
    // A long text after a label is the calculation.
    ['**Answer:**\n1. She has 16 - 3 - 4 = 9 eggs.\n2. She makes 9 * 2 = 18.', '18'],
    ['**Answer:**\nStep 1: 16 - 3 - 4 = 9\nStep 2: 9 * 2 = 18', '18'],
    ['Answer: Her ducks lay 16 eggs. She sells 9 of them and makes $18.', '18'],
    ['The answer is:\nShe has 9 eggs.\nShe makes 18.', '18'],
    ['Answer: 18. She has 9 eggs.', '18'],
    // Headings are no hash lines.
    ['#### Step 2: Add\n9 * 2 = 18', '18'],
    ['#### 2. Add them\n9 * 2 = 18', '18'],
    ['2400 / 200 = 12 200-kilobyte videos', '12'],
    ['The answer is 18 = 9 * 2.', '18'],
    // A box in a box, and braces in it.
    ['\\boxed{\\text{She makes } \\frac{36}{2}}', '18'],
    ['\\boxed{18 \\text{ dollars}}', '18'],
    ['\\boxed{\\$18}', '18'],
    // An unreadable answer yields to the one before.
    ['\\boxed{18}\n\\boxed{}', '18'],
    ['It is 18. The answer is clear.', '18'],
  ])('of %j is %s', (output, answer) => {
    expect(gradeNumber(output, answer)).toMatchObject({ isRight: true });
  });

  it('is not read from a box that was cut off', () => {
    expect(gradeNumber('9 * 2 = 18\n\\boxed{180', '18')).toMatchObject({ isRight: true });
    expect(gradeNumber('\\boxed{18', '18')).toMatchObject({ isRight: false, extracted: null });
  });

  it('is reported as it is in the output', () => {
    expect(gradeNumber('The answer is $1,200.50 dollars.', '1').extracted).toBe('$1,200.50');
  });
});

describe('a right answer', () => {
  it.each([['18'], ['$2,125'], ['-3.5'], ['45%'], ['3/4'], ['12 eggs']])('may be %j', (answer) => {
    expect(readNumber(answer)).not.toBeNull();
  });

  it.each([[''], ['eighteen'], ['3 and 4'], ['about 5, or 6'], ['x5']])(
    'may not be %j',
    (answer) => {
      expect(readNumber(answer)).toBeNull();
    },
  );
});

/** Every supported way to write an integer with cents. */
const STYLES: readonly ((whole: number, cents: string) => string)[] = [
  (whole, cents) => `${whole}.${cents}`,
  (whole, cents) => `${whole.toLocaleString('en-US')}.${cents}`,
  (whole, cents) => `${whole.toLocaleString('en-US').replaceAll(',', ' ')}.${cents}`,
  (whole, cents) => `${whole.toLocaleString('en-US').replaceAll(',', '{,}')}.${cents}`,
  (whole, cents) => `$${whole}.${cents}`,
  (whole, cents) => `${whole}.${cents} dollars`,
  (whole, cents) => `**${whole}.${cents}**`,
  (whole, cents) => `${whole}${cents}e-2`,
  (whole, cents) => `${whole}${cents}/100`,
  (whole, cents) => `${whole} ${cents}/100`,
  (whole, cents) => `\\frac{${whole}${cents}}{100}`,
  (whole, cents) => `7 + 1 = ${whole}.${cents}`,
];
const PLACES: readonly ((written: string) => string)[] = [
  (written) => `The answer is ${written}.`,
  (written) => `There were 16.\n#### ${written}`,
  (written) => `\\boxed{${written}}\nThere were 16.`,
  (written) => `There were 16. Now there are ${written}.`,
];

describe('properties', () => {
  it('a number is found in every style and place', () => {
    fc.assert(
      fc.property(
        fc.nat(99_999_999),
        fc.integer({ min: 0, max: 99 }),
        fc.boolean(),
        fc.constantFrom(...STYLES),
        fc.constantFrom(...PLACES),
        (whole, hundredths, isNegative, style, place) => {
          const cents = String(hundredths).padStart(2, '0');
          const sign = isNegative ? '-' : '';
          const written = style(whole, cents).replace(
            /(?=\\frac|\$|\d[\d.,{} /e-]*(?:\D|$))/,
            sign,
          );
          fc.pre(!isNegative || !written.includes('7 + 1'));
          const output = place(written);
          expect(gradeNumber(output, `${sign}${whole}.${cents}`).isRight, output).toBe(true);
          expect(gradeNumber(output, `${sign}${whole + 1}.${cents}`).isRight, output).toBe(false);
        },
      ),
    );
  });

  it('never throws, and finds only numbers of the output', () => {
    const word = fc.constantFrom('18', '-', '/', '.', ',', ' ', '\\boxed{', '}', '####', '\n', '=');
    const words = fc.constantFrom('The answer is', 'not', '$', '%', '\\frac', '{', 'e', '^', '½');
    const noise = fc.array(fc.oneof(word, words, fc.string({ maxLength: 3 })), { maxLength: 30 });
    fc.assert(
      fc.property(noise, (parts) => {
        const found = findNumber(parts.join(''));
        if (found.value !== null) expect(found.value.text).toMatch(/[\d½]|\\/);
      }),
    );
  });
});
