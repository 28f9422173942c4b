/**
 * `majority`: the small model answers several times, and the most frequent final answer wins (self-
 * consistency; Wang et al., 2022, arXiv 2203.11171). The first answer is the request's own, which the
 * paper draws like the others; so one sample is `small`, and ties go to the earliest answer.
 */
import type { RowResult } from '../core/row-program.ts';
import { samplesCost } from './cost-models.ts';
import { vote } from './final-answer.ts';
import type { Method } from './method.ts';
import {
  checkSamples,
  drawOf,
  SAMPLE_DEFAULTS,
  type SampleOptions,
  sampleBranches,
  sideBySide,
} from './samples.ts';
import type { Strategy, StrategyContext } from './strategy.ts';
import { writeAnswer } from './write-answer.ts';
import { writtenBy } from './written-by.ts';

export const majorityMethod: Method = {
  name: 'majority',
  summary: 'the small model answers several times (--samples), and the most frequent answer wins',
  unit: 'query',
  controlOf: null,
  threshold: null,
  gate: null,
  head: null,
  usesStepCosts: false,
  optionGroups: ['samples'],
  needs: ['small'],
  costModels: [samplesCost('majority', 'answers', {})],
  style: null,
  build: (_value, { samples }) => majority(samples),
};

/** @throws PilotfishError `option-invalid` */
export function majority(options: SampleOptions = {}): Strategy {
  checkSamples(options);
  const { count = SAMPLE_DEFAULTS.count } = options;
  return {
    name: 'majority',
    needs: { small: { branches: sampleBranches(count) } },
    thresholds: {},
    begin: (context) => {
      let note: string | null = null;
      return {
        async round(round) {
          const answers = await sideBySide(context.session('small'), count, (session, index) =>
            writeAnswer(session, round, context, drawOf(index, context, options)),
          );
          const finals = answers.map((rows) => context.finalAnswer(textOf(rows, context)));
          const { index, voteCount } = vote(finals);
          note = `${voteCount} of ${count} answers agree`;
          const score = voteCount / count;
          return (answers[index] ?? []).map((row) => ({ ...writtenBy('small', row), score }));
        },
        notes: () => (note === null ? [] : [note]),
      };
    },
  };
}

/** The text of an answer, up to a stop string. */
function textOf(rows: readonly RowResult[], { tokenBytes, stops }: StrategyContext): string {
  const bytes = rows.map(({ tokenId }) => tokenBytes(tokenId));
  const text = Buffer.concat(bytes).toString('utf8');
  const ends = stops.map((stop) => text.indexOf(stop)).filter((end) => end >= 0);
  return text.slice(0, Math.min(text.length, ...ends));
}
