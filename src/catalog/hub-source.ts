/**
 * Pulls a file from the hub into the partial file; after a cut it continues by `Range`. The digest
 * that the hub reports decides what is right, not our table: the hub may have a newer file.
 */
import { abortableSleep } from '../core/abortable-sleep.ts';
import type { CatalogContext } from './catalog-context.ts';
import { HubClient } from './hub-client.ts';
import type { HubFile } from './model-reference.ts';
import { type Content, PartialFile } from './partial-file.ts';
import { SourceFailure } from './source-failure.ts';

export interface PullJob {
  readonly name: string;
  /** The path of the finished file. */
  readonly target: string;
}

/** @throws SourceFailure, PilotfishError `disk-full`, `file-system-failed`, `aborted` */
export async function pullFromHub(
  file: HubFile,
  job: PullJob,
  context: CatalogContext,
): Promise<Content> {
  await using client = new HubClient(context);
  const content = await retrying(
    context,
    () => 0,
    () => client.lookUp(file),
  );
  await using partial = await PartialFile.open(job.target, content, context);
  const transfer = { client, file, partial, content, label: `Pulling ${job.name} from the hub` };
  if (partial.size > 0 && !partial.isComplete) {
    context.onNotice(`Resuming ${job.name} at ${Math.floor(partial.size / 1e6)} MB.`);
  }
  await retrying(
    context,
    () => partial.size,
    () => receive(transfer, context),
  );
  return content;
}

interface Transfer {
  readonly client: HubClient;
  readonly file: HubFile;
  readonly partial: PartialFile;
  readonly content: Content;
  readonly label: string;
}

/** One attempt: reads all missing bytes, or fails and keeps the bytes received so far. */
async function receive(transfer: Transfer, context: CatalogContext): Promise<void> {
  const { client, file, partial, content, label } = transfer;
  if (partial.isComplete) return;
  const response = await client.download(file, partial.size);
  // A body destroyed half-way emits an error event; the reason is thrown already.
  response.body.on('error', () => undefined);
  try {
    if (response.statusCode === 200) await partial.truncate(0);
    else checkRange(response.headers['content-range'], partial.size, content.bytes);
    for await (const chunk of chunksOf(response.body, client)) {
      if (partial.size + chunk.byteLength > content.bytes) throw wrongSize(client.host);
      await partial.append(chunk);
      context.onProgress({ label, done: partial.size, total: content.bytes, unit: 'bytes' });
    }
  } finally {
    response.body.destroy();
  }
  if (!partial.isComplete) {
    throw new SourceFailure(`${client.host}: the file ended early`, { isRetryable: true });
  }
}

/** Turns errors of the connection into failures of the source, but not errors of the disk. */
async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  client: HubClient,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    throw client.failureOf(error, true);
  }
}

function checkRange(header: string | string[] | undefined, offset: number, total: number): void {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(String(header));
  const isRight = Number(range?.[1]) === offset && [String(total), '*'].includes(range?.[2] ?? '');
  if (!isRight) throw new SourceFailure(`the server sent another range than asked: ${header}`);
}

function wrongSize(host: string): SourceFailure {
  return new SourceFailure(`${host} sends more bytes than it announced`);
}

/**
 * Retries until it works, with growing waits. Attempts that brought many bytes do not count: a long
 * pull over a bad connection succeeds as long as it makes progress.
 */
async function retrying<Result>(
  { limits, signal, onNotice }: CatalogContext,
  bytesDone: () => number,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let failureCount = 0; ; ) {
    const bytesBefore = bytesDone();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof SourceFailure) || !error.isRetryable) throw error;
      const hasMoved = bytesDone() - bytesBefore >= limits.retryProgressBytes;
      failureCount = hasMoved ? 1 : failureCount + 1;
      if (failureCount >= limits.attemptCountMax) throw error;
      const waitMs = limits.backoffMs * 2 ** (failureCount - 1);
      onNotice(`${error.message}; trying again.`);
      await abortableSleep(waitMs, signal);
    }
  }
}
