/** What can be graded, apart from the graders, which only one command loads. */

/** The kinds of answers that can be graded by themselves. */
export const GRADE_KINDS = ['number', 'latex', 'choice', 'text'] as const;
export type GradeKind = (typeof GRADE_KINDS)[number];

/** The answer of a whole long context stays far below it. */
export const GRADE_LINE_BYTES_MAX: number = 4 * 2 ** 20;
