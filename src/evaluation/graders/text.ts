/** Grades answers that are a short text: equal but for case, white space and enclosing marks. */
import type { Grade } from '../question.ts';
import { type Found, type MarkReader, readAnswer, wrong } from './final-answer.ts';

export function gradeText(output: string, answer: string): Grade {
  const { value, why } = readAnswer(output, READER, lastLine);
  if (value === null) return wrong(why);
  return { isRight: bareText(value) === bareText(answer), extracted: value, why };
}

const READER: MarkReader<string> = {
  read: (content, form) => {
    const said = (form === 'claim' ? firstSentence(content) : content).trim();
    return bareText(said) === '' ? null : { value: said };
  },
  // Any text may follow `answer is`, as in `I hope this answer is helpful`: claims come last.
  isDirect: (_, form) => form === 'label',
};

/** The point of an abbreviation ends no sentence: `J. K. Rowling`, `Dr. Who`. */
const SENTENCE =
  /^.*?[.!?](?<!(?<![\p{L}\p{N}])(?:\p{L}|Mrs?|Ms|Dr|St|Mt|Prof|Jr|Sr|vs)\.)["'”’*_)]*(?=\s|$)/iu;

function firstSentence(content: string): string {
  return SENTENCE.exec(content)?.[0] ?? content;
}

function lastLine(output: string): Found<string> | null {
  const lines = output.split('\n').map((line) => line.trim());
  const value = lines.findLast((line) => bareText(line) !== '');
  return value === undefined ? null : { value, why: 'the last line' };
}

const ENCLOSING = /^[\s*_"'“”‘’`$([{.,:;!?]+|[\s*_"'“”‘’`$)\]}.,:;!?]+$/g;

/** Lower case, single spaces, without emphasis, quotes, end punctuation or a leading article. */
export function bareText(text: string): string {
  const words = text
    .normalize('NFKC')
    .replaceAll(/\\(?:text|textbf|mbox|mathrm|boxed)\s*\{([^{}]*)\}/g, '$1')
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(ENCLOSING, '');
  return words.replace(/^(?:an?|the) (?=\S)/, '');
}
