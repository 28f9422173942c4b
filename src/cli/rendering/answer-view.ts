/** Where the events of a run go: JSON lines, a terminal, or a pipe that wants the answer only. */
import type { EngineEvent } from '../../core/events.ts';
import type { CliIo } from '../io.ts';
import { type Answer, AnswerFold } from './answer.ts';
import { renderToken } from './render-token.ts';

export interface AnswerView {
  onEvent(event: EngineEvent): void;
  /** The run ended, well or not: leaves the cursor at the start of a line. */
  close(): void;
}

/** Every event as one line, with the fields of `extra` added; nothing else. */
export function jsonView(io: CliIo, extra: Readonly<Record<string, string>> = {}): AnswerView {
  return {
    onEvent: (event) => io.out(`${JSON.stringify({ ...event, ...extra })}\n`),
    close: () => {},
  };
}

/** Tokens as they come, coloured and harmless. */
export function terminalView(io: CliIo): AnswerView {
  let atLineStart = true;
  return {
    onEvent: (event) => {
      if (event.type !== 'token' || event.text === '') return;
      io.out(renderToken(event, io.color));
      atLineStart = event.text.endsWith('\n');
    },
    close: () => {
      if (!atLineStart) io.out('\n');
      atLineStart = true;
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

/** Shows a run as it happens. What came before a failure stays shown, and stays in `fold`. */
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
