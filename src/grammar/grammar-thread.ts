/**
 * The thread in which grammars are compiled and followed. Their cost does not block the engine's own
 * loop, and a thread that takes too long can be ended. It answers one call at a time, in order.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import { RecentEntries } from '../core/recent-entries.ts';
import { tokenIds } from '../core/token-id.ts';
import { type CompiledGrammar, compiledGrammar, type GrammarSource } from './grammar-request.ts';
import { type GrammarMatcher, GrammarTracker } from './grammar-tracker.ts';
import { type SchemaCheck, schemaCheck } from './schema-check.ts';
import type { ThreadCall, ThreadReply, ThreadValue } from './thread-calls.ts';
import { type PackedVocabulary, XGrammar } from './xgrammar.ts';

interface Known extends CompiledGrammar, Pick<Session, 'check'> {}

interface Session {
  /** Null: the grammar carries the whole schema. */
  readonly check: SchemaCheck | null;
  readonly matcher: GrammarMatcher & Disposable;
  readonly tracker: GrammarTracker;
}

const port = required(parentPort, 'this file runs in a thread of its own');
const sessions = new Map<number, Session>();
let engine: Promise<XGrammar> | null = null;
const GRAMMAR_COUNT_MAX = 32;
/** Recently used grammars. */
const known = new RecentEntries<Known>(GRAMMAR_COUNT_MAX);
const refusals = new WeakSet<object>();

port.on('message', (call: ThreadCall) => {
  if (call.kind === 'close') close(call.session);
  else void answer(call);
});

async function answer(call: Exclude<ThreadCall, { kind: 'close' }>): Promise<void> {
  try {
    const value = await run(call);
    const buffers = 'masks' in value ? value.masks.flatMap((mask) => mask?.buffer ?? []) : [];
    port.postMessage({ isDone: true, value } satisfies ThreadReply, buffers as ArrayBuffer[]);
  } catch (error) {
    // A refusal before the engine was called leaves the engine intact.
    const refused = typeof error === 'object' && error !== null && refusals.has(error);
    const operating = PilotfishError.isInstance(error) ? error : null;
    port.postMessage({
      isDone: false,
      code: operating?.code ?? null,
      message: error instanceof Error ? error.message : String(error),
      remedy: operating?.remedy ?? null,
      isFatal: !refused,
    } satisfies ThreadReply);
  }
}

async function run(call: Exclude<ThreadCall, { kind: 'close' }>): Promise<ThreadValue> {
  if (call.kind === 'open') {
    const { text, unkept, check } = grammarOf(call.source);
    engine ??= XGrammar.create(workerData as PackedVocabulary);
    const matcher = await (await engine).open(text);
    sessions.set(call.session, { matcher, check, tracker: new GrammarTracker(matcher) });
    return { unkept };
  }
  const { tracker, check } = sessions.get(call.session) ?? refuse(unknownSession());
  if (call.kind === 'violation') return { violation: check?.(call.text) ?? null };
  const tokens = tokenIds([...call.answer]);
  if (call.kind === 'allowed-length') {
    return { length: await tracker.allowedLength(tokens) };
  }
  return { masks: await tracker.masks(tokens, call.from) };
}

function grammarOf(source: GrammarSource): Known {
  const key = `${source.kind} ${source.strict} ${source.text}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  try {
    const compiled = compiledGrammar(source);
    const check = compiled.unkept.length === 0 ? null : schemaCheck(source.text);
    const grammar = { ...compiled, check };
    known.add(key, grammar);
    return grammar;
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
