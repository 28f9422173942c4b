/** Several streams as one, in the order in which their parts come. */

/** Ends the others if one fails or the reader leaves. */
export async function* merged<T>(streams: readonly AsyncIterator<T>[]): AsyncGenerator<T, void> {
  const next = async (stream: AsyncIterator<T>) => ({ stream, result: await stream.next() });
  const waiting = new Map(streams.map((stream) => [stream, next(stream)]));
  try {
    while (waiting.size > 0) {
      const { stream, result } = await Promise.race(waiting.values());
      if (result.done === true) waiting.delete(stream);
      else {
        waiting.set(stream, next(stream));
        yield result.value;
      }
    }
  } finally {
    await Promise.allSettled([...waiting.keys()].map((stream) => stream.return?.()));
  }
}
