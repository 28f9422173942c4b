/**
 * The thread in which grammars are compiled and followed: whatever they cost, the engine's own loop
 * goes on, and a thread that takes too long can be ended. It answers one call at a time, in order.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PilotfishError } from '../core/errors.ts';
import { present } from '../core/invariant.ts';
import { tokenIds } from '../core/token-id.ts';
import { type GrammarMatcher, GrammarTracker } from './grammar-tracker.ts';
import type { ThreadCall, ThreadReply } from './thread-calls.ts';
import { type PackedVocabulary, XGrammar } from './xgrammar.ts';

interface Session {
  readonly matcher: GrammarMatcher & Disposable;
  readonly tracker: GrammarTracker;
}

const port = present(parentPort, 'this file runs in a thread of its own');
const sessions = new Map<number, Session>();
let engine: Promise<XGrammar> | null = null;

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
    const message = error instanceof Error ? error.message : String(error);
    const code = PilotfishError.isInstance(error) ? error.code : null;
    port.postMessage({ isDone: false, code, message } satisfies ThreadReply);
  }
}

async function run(
  call: Exclude<ThreadCall, { kind: 'close' }>,
): Promise<readonly (Int32Array | null)[] | number> {
  if (call.kind === 'open') {
    engine ??= XGrammar.create(workerData as PackedVocabulary);
    const matcher = await (await engine).open(call.text);
    sessions.set(call.session, { matcher, tracker: new GrammarTracker(matcher) });
    return 0;
  }
  const { tracker } = present(sessions.get(call.session), 'the session is open');
  const tokens = tokenIds([...call.answer]);
  if (call.kind === 'allowed-length') return tracker.allowedLength(tokens);
  return await tracker.masks(tokens, call.from);
}

function close(session: number): void {
  sessions.get(session)?.matcher[Symbol.dispose]();
  sessions.delete(session);
}
