/** Grades answers that are a short text: equal but for case, white space and what encloses it. */
import type { Grade } from '../question.ts';
import { type MarkReader, readMarks } from './final-answer.ts';

export function gradeText(output: string, answer: string): Grade {
  const found = readMarks(output, READER) ?? lastLine(output);
  if (found === null) return { isRight: false, extracted: null };
  return { isRight: bareText(found) === bareText(answer), extracted: found };
}

const READER: MarkReader<string> = {
  read: (content) => (bareText(content) === '' ? null : content.trim()),
  isDirect: (_, form) => form !== 'hash',
};

function lastLine(output: string): string | null {
  const lines = output.split('\n').map((line) => line.trim());
  return lines.findLast((line) => bareText(line) !== '') ?? null;
}

const ENCLOSING = /^[\s*_"'“”‘’`$([{.,:;!?]+|[\s*_"'“”‘’`$)\]}.,:;!?]+$/g;

/** Lower case, single spaces, without emphasis, quotes, end punctuation and a leading article. */
export function bareText(text: string): string {
  const words = text
    .normalize('NFKC')
    .replaceAll(/\\(?:text|textbf|mbox|mathrm|boxed)\s*\{([^{}]*)\}/g, '$1')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(ENCLOSING, '');
  return words.replace(/^(?:an?|the) (?=\S)/, '');
}
