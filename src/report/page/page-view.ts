/** The content of the page, as plain text and drawn pictures; the template only lays it out. */
import { MODEL_LABELS } from '../../core/model-id.ts';
import type { EvaluationResult, Example, ExampleToken } from '../../evaluation/results.ts';
import { pointName } from '../curves.ts';
import { findings } from '../findings.ts';
import type { NumberTable, Picture } from '../pictures/picture.ts';
import { resultTables } from '../tables.ts';
import { percent, short } from '../wording.ts';

export interface DrawnPicture extends Picture {
  readonly svg: string;
}

/** One result with its pictures. */
export interface DrawnResult {
  /** The name of the file, as the user gave it. */
  readonly source: string;
  readonly result: EvaluationResult;
  readonly pictures: readonly DrawnPicture[];
}

export interface PageView {
  readonly title: string;
  readonly sections: readonly SectionView[];
}

export interface SectionView {
  readonly id: string;
  readonly heading: string;
  readonly asked: readonly (readonly [name: string, value: string])[];
  readonly findings: readonly string[];
  readonly pictures: readonly PictureView[];
  readonly tables: readonly NumberTable[];
  readonly examples: readonly ExampleView[];
}

interface PictureView {
  readonly id: string;
  /** SVG from the plotting library, the only text that is not escaped. */
  readonly svg: string;
  readonly alt: string;
  readonly numbers: NumberTable;
}

interface ExampleView {
  readonly name: string;
  readonly question: string;
  readonly answer: string;
  readonly summary: string;
  readonly answers: readonly AnswerView[];
}

interface AnswerView {
  readonly name: string;
  readonly isRight: boolean;
  readonly extracted: string;
  readonly shares: string;
  readonly tokens: readonly TokenView[];
}

interface TokenView {
  readonly text: string;
  readonly origin: string;
  readonly title: string;
}

export function pageView(results: readonly DrawnResult[]): PageView {
  const tasks = [...new Set(results.map(({ result }) => result.task))];
  return {
    title: `Evaluation: ${tasks.join(', ')}`,
    sections: results.map((drawn, place) => sectionView(drawn, `result-${place + 1}`)),
  };
}

function sectionView({ source, result, pictures }: DrawnResult, id: string): SectionView {
  return {
    id,
    heading: `${result.task}, ${result.questionCount} questions`,
    asked: askedOf(source, result),
    findings: findings(result),
    pictures: pictures.map(({ name, svg, alt, numbers }) => ({
      id: `${id}-${name}`,
      svg: embeddable(svg, alt),
      alt,
      numbers,
    })),
    tables: resultTables(result),
    examples: result.examples.map(exampleView),
  };
}

function askedOf(source: string, result: EvaluationResult): [string, string][] {
  return [
    ['file', source],
    ['task', result.task],
    ['questions', `${result.questionCount}${result.isScreened ? ', screened' : ''}`],
    ...MODEL_LABELS.flatMap((label): [string, string][] => {
      const model = result.models[label];
      if (model === undefined) return [];
      return [[`${label} model`, `${model.name} (${model.digest.slice(0, 12)})`]];
    }),
    ['longest answer', `${result.maxTokens} tokens`],
    ...Object.entries(result.options).map(([strategy, given]): [string, string] => [
      `options of ${strategy}`,
      Object.entries(given)
        .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
        .join(', '),
    ]),
  ];
}

/** One labelled image for a screen reader; its size follows the page's. */
function embeddable(svg: string, alt: string): string {
  // A function, because `$'` in a replacement text would insert the picture itself.
  return svg.replace(/^<svg /, () => `<svg role="img" aria-label="${attributeText(alt)}" `);
}

function attributeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function exampleView({ questionId, question, answer, answers }: Example): ExampleView {
  const right = answers.filter(({ isRight }) => isRight).map(pointName);
  return {
    name: questionId,
    question,
    answer,
    summary: right.length === 0 ? 'no answer is right' : `right: ${right.join(', ')}`,
    answers: answers.map((given) => ({
      name: pointName(given),
      isRight: given.isRight,
      extracted: given.extracted ?? 'none found',
      shares: sharesOf(given.tokens),
      tokens: given.tokens.map(tokenView),
    })),
  };
}

function sharesOf(tokens: readonly ExampleToken[]): string {
  const large = tokens.filter(({ origin }) => origin === 'large').length;
  const share = tokens.length === 0 ? null : large / tokens.length;
  return `${tokens.length} tokens, ${percent(share, 0)} large`;
}

const ORIGIN_NAMES = {
  small: 'small model',
  large: 'large model',
  'prompt-lookup': 'copied from the prompt',
} as const;

function tokenView({ text, origin, score }: ExampleToken): TokenView {
  const scored = score === null ? '' : `, score ${short(score)}`;
  return { text, origin, title: `${ORIGIN_NAMES[origin]}${scored}` };
}
