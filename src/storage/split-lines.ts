/** Lines of a stream of bytes, as they come in. */

const NEWLINE = 0x0a;

export interface SplitLine {
  /** Without its end. */
  readonly bytes: Buffer;
  /** False for a last line without an end, which is not empty. */
  readonly isEnded: boolean;
}

/**
 * @param tooLong the error to throw for a line of more than `lineBytesMax` bytes
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array | string>,
  lineBytesMax: number,
  tooLong: () => Error,
): AsyncGenerator<SplitLine, void> {
  let parts: Buffer[] = [];
  let byteCount = 0;
  for await (const given of chunks) {
    const chunk = Buffer.from(given as Uint8Array);
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end);
      if (byteCount + part.length > lineBytesMax) throw tooLong();
      yield { bytes: Buffer.concat([...parts, part]), isEnded: true };
      parts = [];
      byteCount = 0;
      from = end + 1;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
    byteCount += chunk.length - from;
    if (byteCount > lineBytesMax) throw tooLong();
  }
  if (byteCount > 0) yield { bytes: Buffer.concat(parts), isEnded: false };
}
