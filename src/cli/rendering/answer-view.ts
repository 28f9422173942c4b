/** The destination of a run's events: JSON lines, a terminal, or a pipe that gets only the answer. */
import type { EngineEvent } from '../../core/events.ts';
import type { CliIo } from '../io.ts';
import { type Answer, AnswerFold } from './answer.ts';
import { DraftBlock } from './draft-block.ts';
import { renderToken } from './render-token.ts';

export interface AnswerView {
  onEvent(event: EngineEvent): void;
  /** Is called when the run has ended or failed. Leaves the cursor at the start of a line. */
  close(): void;
}

/** Prints every event as one line, with the fields of `extra` added, and nothing else. */
export function jsonView(io: CliIo, extra: Readonly<Record<string, string>> = {}): AnswerView {
  return {
    onEvent: (event) => io.out(`${JSON.stringify({ ...event, ...extra })}\n`),
    close: () => {},
  };
}

/**
 * Prints tokens as they come, coloured, with control characters made visible. A draft is shown in grey
 * until the tokens come that it became, or that stand in its place.
 */
export function terminalView(io: CliIo): AnswerView {
  const block = new DraftBlock(io);
  const print = (text: string): void => {
    if (text !== '') io.out(text);
  };
  return {
    onEvent: (event) => {
      if (event.type === 'draft') print(block.show(event.text));
      if (event.type !== 'token') return;
      print(block.clear());
      if (event.text !== '') {
        print(renderToken({ ...event, text: block.follow(event.text) }, io.color));
      }
    },
    close: () => {
      print(block.clear());
      if (!block.isAtLineStart) print(block.follow('\n'));
    },
  };
}

/** The exact text, for files and pipes. */
export function plainView(io: CliIo): AnswerView {
  return {
    onEvent: (event) => {
      if (event.type === 'token' && event.text !== '') io.out(event.text);
    },
    close: () => {},
  };
}

/** Shows a run as it happens. The part before a failure remains shown, and in `fold`. */
export async function showAnswer(
  events: AsyncIterable<EngineEvent>,
  view: AnswerView,
  fold: AnswerFold = new AnswerFold(),
): Promise<Answer> {
  try {
    for await (const event of events) {
      fold.add(event);
      view.onEvent(event);
    }
  } finally {
    view.close();
  }
  return fold.finish();
}
