/** Events as a stream of server-sent events, which ends as clients of the OpenAI API expect. */
import { Readable } from 'node:stream';

export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // A proxy that collects the parts would undo the streaming.
  'x-accel-buffering': 'no',
};

const DONE = 'data: [DONE]\n\n';

/** @param refused the error object for a failure in the middle, after which the stream ends */
export function serverSent(
  parts: AsyncIterable<object>,
  refused: (error: unknown) => object,
): Readable {
  return Readable.from(texts(parts, refused), { objectMode: true });
}

async function* texts(
  parts: AsyncIterable<object>,
  refused: (error: unknown) => object,
): AsyncGenerator<string, void> {
  try {
    for await (const part of parts) yield textOf(part);
    yield DONE;
  } catch (error) {
    yield textOf(refused(error));
  }
}

function textOf(part: object): string {
  return `data: ${JSON.stringify(part)}\n\n`;
}
