/**
 * The thread in which grammars are compiled and followed. Their cost does not block the engine's own
 * loop, and a thread that takes too long can be ended. It answers one call at a time, in order.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import { RecentEntries } from '../core/recent-entries.ts';
import { tokenIds } from '../core/token-id.ts';
import { compiledText, type GrammarSource } from './grammar-request.ts';
import { type GrammarMatcher, GrammarTracker } from './grammar-tracker.ts';
import type { ThreadCall, ThreadReply } from './thread-calls.ts';
import { type PackedVocabulary, XGrammar } from './xgrammar.ts';

interface Session {
  readonly matcher: GrammarMatcher & Disposable;
  readonly tracker: GrammarTracker;
}

const port = required(parentPort, 'this file runs in a thread of its own');
const sessions = new Map<number, Session>();
let engine: Promise<XGrammar> | null = null;
const TEXT_COUNT_MAX = 32;
/** The compiled texts of recently used grammars. */
const texts = new RecentEntries<string>(TEXT_COUNT_MAX);
const refusals = new WeakSet<object>();

port.on('message', (call: ThreadCall) => {
  if (call.kind === 'close') close(call.session);
  else void answer(call);
});

async function answer(call: Exclude<ThreadCall, { kind: 'close' }>): Promise<void> {
  try {
    const value = await run(call);
    const buffers = Array.isArray(value) ? value.flatMap((mask) => mask?.buffer ?? []) : [];
    port.postMessage({ isDone: true, value } satisfies ThreadReply, buffers as ArrayBuffer[]);
  } catch (error) {
    // A refusal before the engine was called leaves the engine intact.
    const refused = typeof error === 'object' && error !== null && refusals.has(error);
    const known = PilotfishError.isInstance(error) ? error : null;
    port.postMessage({
      isDone: false,
      code: known?.code ?? null,
      message: error instanceof Error ? error.message : String(error),
      remedy: known?.remedy ?? null,
      isFatal: !refused,
    } satisfies ThreadReply);
  }
}

async function run(
  call: Exclude<ThreadCall, { kind: 'close' }>,
): Promise<readonly (Int32Array | null)[] | number> {
  if (call.kind === 'open') {
    const text = textOf(call.source);
    engine ??= XGrammar.create(workerData as PackedVocabulary);
    const matcher = await (await engine).open(text);
    sessions.set(call.session, { matcher, tracker: new GrammarTracker(matcher) });
    return 0;
  }
  const { tracker } = sessions.get(call.session) ?? refuse(unknownSession());
  const tokens = tokenIds([...call.answer]);
  if (call.kind === 'allowed-length') return tracker.allowedLength(tokens);
  return await tracker.masks(tokens, call.from);
}

function textOf(source: GrammarSource): string {
  const key = `${source.kind} ${source.text}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  try {
    const text = compiledText(source);
    texts.add(key, text);
    return text;
  } catch (error) {
    if (PilotfishError.isInstance(error)) refuse(error);
    throw error;
  }
}

/** Reports an error after which the thread goes on. */
function refuse(error: PilotfishError): never {
  refusals.add(error);
  throw error;
}

function unknownSession(): PilotfishError {
  return new PilotfishError('disposed', 'The grammar of this answer is not open.');
}

function close(session: number): void {
  sessions.get(session)?.matcher[Symbol.dispose]();
  sessions.delete(session);
}
