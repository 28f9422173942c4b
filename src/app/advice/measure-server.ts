/**
 * Times the calls that strategies make to a server: writing on, the next token of a text that grows, a
 * batch of prefixes, a text that is new. It asks through the same sessions, so their waits are in it.
 */
import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import { required } from '../../core/invariant.ts';
import type { Progressing } from '../../core/progress.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import { TextTokens } from '../../engine/text-tokens.ts';
import type { CurvePoint } from '../../machines/machine-profile.ts';
import type { ReadCall, ServedTimes } from '../../machines/served-costs.ts';
import type { RemoteModel } from '../../session/remote-model.ts';
import type { Session } from '../../session/session.ts';
import { WorkRecorder } from '../../session/work-recorder.ts';
import { DRAFT_LENGTH_MAX } from '../../speculative/draft-length.ts';

export interface MeasureServerOptions extends Progressing {
  readonly clock?: Clock | undefined;
  /** No further pass begins if it would end later than this. Default: 50 s. */
  readonly budgetMs?: number | undefined;
}

const BUDGET_MS = 50_000;
const PASS_COUNT_MAX = 5;
const FRESH_COUNT = 2;
const STREAM_COUNT = 3;
/** A slow server reads new texts once, and writes fewer streams. */
const SLOW_MS = 6_000;
const STREAM_TOKEN_COUNT = 16;
/** Together they move a text by the whole block of tokens that some servers keep, in a few passes. */
const GROWN_TOKEN_COUNTS: readonly number[] = [7, 1];
/** Verifications of 1, 2, 4 and 8 drafts. */
const BATCH_COUNTS: readonly number[] = [2, 3, 5, DRAFT_LENGTH_MAX + 1];

const FILLER = 'The ship sails on. ';
/** Repeated so often the prompts have about 60 and 260 tokens. */
const FILLER_COUNTS = { shorter: 6, longer: 46 };
/** A server with less context gets a shorter long prompt, of this part of it. */
const CONTEXT_PART = 1 / 4;

type MeasuredServer = Pick<RemoteModel, 'facts' | 'vocabulary' | 'capabilities' | 'openSession'>;

/** @throws PilotfishError as the sessions of the model */
export async function measureServer(
  model: MeasuredServer,
  options: MeasureServerOptions = {},
): Promise<ServedTimes> {
  await using meter = new ServerMeter(model, options);
  return await meter.measure();
}

/** A prompt with a session of its own. */
interface Asked {
  readonly session: Session;
  readonly prompt: readonly TokenId[];
}

class ServerMeter implements AsyncDisposable {
  readonly #model: MeasuredServer;
  readonly #options: MeasureServerOptions;
  readonly #clock: Clock;
  readonly #texts: TextTokens;
  readonly #sessions = new Set<AsyncDisposable>();
  readonly #batchCounts: readonly number[];
  readonly #times = new Map<string, number[]>();
  readonly #stepCount: number;
  #done = 0;

  constructor(model: MeasuredServer, options: MeasureServerOptions) {
    this.#model = model;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#texts = new TextTokens([model.vocabulary]);
    const { outputRowCountMax, continuesTexts } = model.capabilities;
    this.#batchCounts = BATCH_COUNTS.filter((count) => count <= outputRowCountMax);
    const passLength = continuesTexts ? GROWN_TOKEN_COUNTS.length + this.#batchCounts.length : 0;
    this.#stepCount = 3 * FRESH_COUNT + STREAM_COUNT + PASS_COUNT_MAX * passLength;
  }

  async measure(): Promise<ServedTimes> {
    const startedMs = this.#clock.nowMs();
    // Connections are opened, and nothing is timed.
    await this.#next(this.#ask(1), []);
    const fresh = await this.#fresh();
    const asked = this.#ask(FILLER_COUNTS.shorter);
    const answer = await this.#streams(asked);
    const { continuesTexts } = this.#model.capabilities;
    if (continuesTexts) await this.#passes(asked, answer, startedMs);
    const points = (kind: string, counts: readonly number[]): readonly CurvePoint[] =>
      counts.map((rowCount) => ({ rowCount, ms: this.#median(`${kind} ${rowCount}`) }));
    return {
      fresh,
      againMs: Math.min(...this.#of('again')),
      tokenMs: this.#median('token'),
      calls: continuesTexts ? points('call', [...GROWN_TOKEN_COUNTS].reverse()) : [],
      batches: points('batch', this.#batchCounts),
      textTokenCount: asked.prompt.length,
      spread: median([...this.#times.values()].map((ms) => median(ms) / Math.min(...ms) - 1)),
    };
  }

  /** The shortest of each, because their difference counts. */
  async #fresh(): Promise<ServedTimes['fresh']> {
    const { contextLength } = this.#model.facts;
    const room = Math.floor((CONTEXT_PART * contextLength) / this.#texts.continued(FILLER).length);
    const longest = Math.max(FILLER_COUNTS.shorter + 1, Math.min(FILLER_COUNTS.longer, room));
    const counts = { shorter: 0, longer: 0 };
    const startedMs = this.#clock.nowMs();
    for (let time = 0; time < FRESH_COUNT; time += 1) {
      const [shorter, longer] = [this.#ask(FILLER_COUNTS.shorter), this.#ask(longest)];
      await this.#time('shorter', () => this.#next(shorter, []));
      await this.#time('longer', () => this.#next(longer, []));
      await this.#time('again', () => this.#next(longer, this.#filler(1)));
      counts.shorter = shorter.prompt.length;
      counts.longer = longer.prompt.length;
      if (this.#clock.nowMs() - startedMs > SLOW_MS) break;
    }
    const call = (kind: 'shorter' | 'longer'): ReadCall => ({
      tokenCount: counts[kind],
      ms: Math.min(...this.#of(kind)),
    });
    return [call('shorter'), call('longer')];
  }

  /** @returns the tokens of the last answer, without its end */
  async #streams({ session, prompt }: Asked): Promise<readonly TokenId[]> {
    let answer: TokenId[] = [];
    const startedMs = this.#clock.nowMs();
    for (let time = 0; time < STREAM_COUNT; time += 1) {
      answer = [];
      const arrivedMs: number[] = [];
      const until = { tokenCountMax: STREAM_TOKEN_COUNT };
      for await (const { tokenId } of session.write({ text: prompt, until, purpose: 'correct' })) {
        arrivedMs.push(this.#clock.nowMs());
        if (!this.#model.vocabulary.isEndOfGeneration(tokenId)) answer.push(tokenId);
      }
      const [first = 0, last = 0] = [arrivedMs[0], arrivedMs.at(-1)];
      if (arrivedMs.length > 1) this.#add('token', (last - first) / (arrivedMs.length - 1));
      this.#report();
      if (this.#clock.nowMs() - startedMs > SLOW_MS) break;
    }
    return answer;
  }

  /** One text grows all the time, as that of a request does. */
  async #passes(asked: Asked, answer: readonly TokenId[], startedMs: number): Promise<void> {
    const { budgetMs = BUDGET_MS } = this.#options;
    let written = [...answer];
    const grow = (count: number): void => {
      written = [...written, ...this.#filler(count)];
    };
    const [widest] = this.#batchCounts.slice(-1);
    // Servers that keep texts by slots read it once into each.
    if (widest !== undefined) await this.#batch(asked, written, widest);
    for (let pass = 0; pass < PASS_COUNT_MAX; pass += 1) {
      const passStartedMs = this.#clock.nowMs();
      for (const count of GROWN_TOKEN_COUNTS) {
        grow(count);
        await this.#time(`call ${count}`, () => this.#next(asked, written));
      }
      for (const count of this.#batchCounts) {
        grow(count);
        await this.#time(`batch ${count}`, () => this.#batch(asked, written, count));
      }
      const nowMs = this.#clock.nowMs();
      if (nowMs + (nowMs - passStartedMs) - startedMs > budgetMs) return;
    }
  }

  /** The next token of a text, or the first one of what the server writes on. */
  async #next({ session, prompt }: Asked, written: readonly TokenId[]): Promise<void> {
    const text = [...prompt, ...written];
    if (this.#model.capabilities.outputRowCountMax > 0) {
      await session.rows({ text, outputCount: 1, purpose: 'correct' });
      return;
    }
    const until = { tokenCountMax: 1 };
    for await (const _ of session.write({ text, until, purpose: 'correct' })) return;
  }

  async #batch(
    { session, prompt }: Asked,
    written: readonly TokenId[],
    outputCount: number,
  ): Promise<void> {
    await session.rows({ text: [...prompt, ...written], outputCount, purpose: 'verify' });
  }

  /** A prompt that no server has read before. */
  #ask(fillerCount: number): Asked {
    const nonce = Math.floor(1e5 + 9e5 * Math.random());
    const content = `${nonce}. ${FILLER.repeat(fillerCount)}Count from 1 to 100.`;
    const messages = [{ role: 'user' as const, content }];
    const { vocabulary } = this.#model;
    const render = vocabulary.renderChat.bind(vocabulary);
    const prompt = this.#texts.tokens(this.#texts.rendered(messages, render));
    const session = this.#model.openSession(this.#model.facts.name, {
      promptLength: prompt.length,
      sampling: { vocabularySize: vocabulary.size, sampling: GREEDY, seed: 0 },
      isEndOfGeneration: (id) => vocabulary.isEndOfGeneration(id),
      tokenBytes: (id) => vocabulary.tokenBytes(id),
      conversation: { messages, tokensOf: (text) => this.#texts.continued(text) },
      recorder: new WorkRecorder(),
      remoteSessions: this.#sessions,
      signal: this.#options.signal ?? new AbortController().signal,
    });
    return { session, prompt };
  }

  #filler(count: number): readonly TokenId[] {
    return this.#texts.continued(FILLER.repeat(count)).slice(0, count);
  }

  async #time(kind: string, call: () => Promise<void>): Promise<void> {
    const startedMs = this.#clock.nowMs();
    await call();
    this.#add(kind, this.#clock.nowMs() - startedMs);
    this.#report();
  }

  #add(kind: string, ms: number): void {
    this.#times.set(kind, [...(this.#times.get(kind) ?? []), ms]);
  }

  #of(kind: string): readonly number[] {
    return required(this.#times.get(kind), `${kind} was timed`);
  }

  #median(kind: string): number {
    return median(this.#of(kind));
  }

  #report(): void {
    this.#done += 1;
    const { name } = this.#model.facts;
    const progress = { done: this.#done, total: this.#stepCount, unit: 'steps' as const };
    this.#options.onProgress?.({ label: `Measuring ${name} on its server`, ...progress });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session[Symbol.asyncDispose]()));
  }
}

/** A slow server leaves time for two passes. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [below = 0, above = 0] = [(sorted.length - 1) / 2, sorted.length / 2].map(
    (at) => sorted[Math.floor(at)],
  );
  return (below + above) / 2;
}
