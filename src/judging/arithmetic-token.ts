/** The class of tokens at which arithmetic goes wrong: an untrained rule that trained heads have to beat. */

/**
 * Digits and operators, perhaps with points and commas between them. A point or a comma alone usually
 * ends a sentence or a clause, so it is not in the class.
 */
const ARITHMETIC = /^(?=.*[0-9+\-−*/=×÷<>%x])[0-9+\-−*/=×÷<>%x.,]+$/;

const utf8 = new TextDecoder();

/** Whether a token's text, without the white space around it, consists of digits and operators. */
export function isArithmetic(bytes: Uint8Array): boolean {
  return ARITHMETIC.test(utf8.decode(bytes).trim());
}
