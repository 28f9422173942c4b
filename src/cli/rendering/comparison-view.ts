/**
 * Shows compared runs: one after another as they come, or, on a wide terminal, side by side when all
 * have ended. The table of costs follows.
 */

import type { CliIo } from '../io.ts';
import { COLUMNS_WIDTH_MIN, renderAnswerColumns } from './answer-columns.ts';
import { type AnswerView, jsonView, plainView, terminalView } from './answer-view.ts';
import { type ComparedAnswer, comparisonRows } from './comparison.ts';
import { progressBar } from './progress-bar.ts';
import { renderComparison } from './render-comparison.ts';
import { renderLegend } from './token-style.ts';

export interface ComparisonView {
  /** A run begins. Its view is closed when it has ended. */
  run(strategy: string): AnswerView;
  /** No further run begins. */
  end(compared: readonly ComparedAnswer[]): void;
}

export function comparisonView(json: boolean, io: CliIo): ComparisonView {
  if (json) return jsonComparison(io);
  if (!io.outIsTerminal) return plainComparison(io);
  return io.columns >= COLUMNS_WIDTH_MIN ? columnComparison(io) : streamComparison(io);
}

function jsonComparison(io: CliIo): ComparisonView {
  return {
    run: (run) => jsonView(io, { run }),
    end: (compared) => {
      const line = { type: 'comparison', runs: comparisonRows(compared) };
      io.out(`${JSON.stringify(line)}\n`);
    },
  };
}

/** For files: the exact texts under headings, and a table of any width. */
function plainComparison(io: CliIo): ComparisonView {
  return {
    run: (run) => {
      io.out(`== ${run} ==\n`);
      return { ...plainView(io), close: () => io.out('\n\n') };
    },
    end: (compared) => io.out(renderComparison(comparisonRows(compared), Number.POSITIVE_INFINITY)),
  };
}

function streamComparison(io: CliIo): ComparisonView {
  let isFirst = true;
  return {
    run: (run) => {
      const legend = isFirst ? renderLegend(io.color) : '';
      if (legend !== '') io.out(`${legend}\n`);
      if (legend !== '' || !isFirst) io.out('\n');
      isFirst = false;
      io.out(`${io.color.bold(run)}\n`);
      return terminalView(io);
    },
    end: (compared) => io.out(`\n${renderComparison(comparisonRows(compared), io.columns)}`),
  };
}

function columnComparison(io: CliIo): ComparisonView {
  return {
    run: (run) => {
      const bar = progressBar(io);
      let done = 0;
      return {
        onEvent: (event) => {
          if (event.type === 'token') done += 1;
          bar.onProgress({ label: `Answering with ${run}`, done, total: null, unit: 'steps' });
        },
        close: () => bar.stop(),
      };
    },
    end: (compared) => {
      const legend = renderLegend(io.color);
      if (legend !== '') io.out(`${legend}\n\n`);
      const answers = compared.map(({ run, answer }) => ({ title: run, tokens: answer.tokens }));
      io.out(renderAnswerColumns(answers, io.columns, io.color));
      io.out(`\n${renderComparison(comparisonRows(compared), io.columns)}`);
    },
  };
}
