/** A command's terminal as a stream, for libraries that draw on one. */
import { Writable } from 'node:stream';

export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY: true;
  readonly columns: number;
}

export function terminalStream(
  write: (text: string) => void,
  columns: () => number,
): TerminalStream {
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      write(String(chunk));
      done();
    },
  });
  return Object.defineProperties(Object.assign(stream, { isTTY: true as const, columns: 0 }), {
    columns: { get: columns },
  });
}
