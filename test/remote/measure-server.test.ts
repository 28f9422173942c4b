/** Advice on a server, whose calls take a time that is known. */
import { describe, expect, it } from 'vitest';
import { adviceReport } from '../../src/app/advice/advice-report.ts';
import { measureServer } from '../../src/app/advice/measure-server.ts';
import { NOTHING_READ, type RowResult } from '../../src/core/row-program.ts';
import { type TokenId, tokenId } from '../../src/core/token-id.ts';
import { PROFILE, TIMED } from '../../src/machines/fakes/timed-profile.ts';
import { servedCosts } from '../../src/machines/served-costs.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { servedCapabilities } from '../../src/remote/served-capabilities.ts';
import type { SessionCapabilities } from '../../src/session/capabilities.ts';
import type { RemoteModel } from '../../src/session/remote-model.ts';
import type { Session } from '../../src/session/session.ts';

const LETTERS = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
const { vocabulary, facts } = new ScriptedModel({
  ...{ tokens: [...LETTERS, '\n', ''], endOfGeneration: [96], next: () => [] },
});

const ALL = servedCapabilities({ topCountMax: 20, isBeforeSampling: true, takesBatches: true });
const ROWS_OF_TEXT_ONLY = { ...ALL, outputRowCountMax: 0, reads: {}, input: 'text' as const };

interface Speed {
  readonly tripMs: number;
  readonly tokenMs: number;
  readonly readMs: number;
  /** Of a further prefix in a call. */
  readonly prefixMs: number;
  readonly keeps: boolean;
  readonly capabilities?: SessionCapabilities;
}

/** A server that answers in no time, and moves the clock on. */
class TimedServer {
  nowMs = 0;
  readonly #speed: Speed;
  #read: readonly TokenId[] = [];

  constructor(speed: Speed) {
    this.#speed = speed;
  }

  get model(): Pick<RemoteModel, 'facts' | 'vocabulary' | 'capabilities' | 'openSession'> {
    const { capabilities = ALL } = this.#speed;
    const server = { facts: { ...facts, contextLength: 4096 }, vocabulary, capabilities };
    return { ...server, openSession: (modelId) => this.#session(modelId, capabilities) };
  }

  #session(modelId: string, capabilities: SessionCapabilities): Session {
    const row = { ...NOTHING_READ, tokenId: tokenId(5) };
    const { tokenMs, prefixMs } = this.#speed;
    const begin = (text: readonly TokenId[]): void => this.#begin(text);
    const pass = (ms: number): void => {
      this.nowMs += ms;
    };
    return {
      ...{ modelId, capabilities },
      rows: async ({ text, outputCount }) => {
        begin(text);
        pass(tokenMs + (outputCount - 1) * prefixMs);
        return Array<RowResult>(outputCount).fill(row);
      },
      async *write({ text, until }) {
        begin(text);
        for (let count = 0; count < until.tokenCountMax; count += 1) {
          pass(tokenMs);
          yield row;
        }
      },
      fork: () => {
        throw new Error('measuring forks nothing');
      },
      unreadLength: ({ length }) => length,
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** The first token that is read is in the time of the token that follows. */
  #begin(text: readonly TokenId[]): void {
    const { tripMs, readMs, keeps } = this.#speed;
    const at = keeps ? text.findIndex((token, index) => token !== this.#read[index]) : 0;
    const freshCount = at < 0 ? 1 : text.length - at;
    this.#read = text;
    this.nowMs += tripMs + readMs * (freshCount - 1);
  }
}

const FAST: Speed = { tripMs: 20, tokenMs: 5, readMs: 0.25, prefixMs: 1, keeps: true };

async function measured(speed: Speed, budgetMs?: number) {
  const server = new TimedServer(speed);
  const steps: number[] = [];
  const times = await measureServer(server.model, {
    ...{ clock: { nowMs: () => server.nowMs }, budgetMs },
    onProgress: ({ done, total }) => steps.push(done, total ?? 0),
  });
  return { server, times, costs: servedCosts(times), steps };
}

describe('a server that is measured', () => {
  it('has the round trip, the token, the reading and the batches that it has', async () => {
    const { times, costs, steps } = await measured(FAST);
    expect(times.tokenMs).toBeCloseTo(5, 9);
    expect(times.calls.map(({ rowCount }) => rowCount)).toEqual([1, 7]);
    expect(times.batches.map(({ rowCount }) => rowCount)).toEqual([2, 3, 5, 9]);
    expect(costs.roundTripMs).toBeCloseTo(20, 9);
    expect(costs.readMs).toBeCloseTo(0.25, 2);
    expect(costs.keepsPrefix).toBe(true);
    expect(times.spread).toBeLessThan(0.1);
    // One new token and eight further prefixes, which are read, too.
    expect(costs.model.decode.at(-1)?.ms).toBeCloseTo(5 + 8 * (1 + 0.25), 9);
    expect(steps.at(-2)).toBe(steps.at(-1));
  });

  it('is seen to read the whole text again', async () => {
    const { costs } = await measured({ ...FAST, keeps: false });
    expect(costs.keepsPrefix).toBe(false);
    expect(costs.readMs).toBeCloseTo(0.25, 9);
    // The answer before the measured calls is read again, too.
    expect(costs.roundTripMs).toBeGreaterThan(19);
    expect(costs.roundTripMs).toBeLessThan(40);
  });

  it('is left after one pass where that takes long', async () => {
    const { steps, times } = await measured(FAST, 0);
    const [done = 0, total = 0] = steps.slice(-2);
    expect(total - done).toBe(4 * 6);
    expect(times.batches).toHaveLength(4);
  });

  it('is asked to write where it gives no rows', async () => {
    const { times, costs } = await measured({ ...FAST, capabilities: ROWS_OF_TEXT_ONLY });
    expect(times.batches).toEqual([]);
    expect(costs.roundTripMs).toBeCloseTo(20, 9);
  });

  it('is asked for answers alone where it only begins them', async () => {
    const begins = { ...ROWS_OF_TEXT_ONLY, continuesTexts: false };
    const { times, costs } = await measured({ ...FAST, capabilities: begins });
    expect(times.calls).toEqual([]);
    expect(Math.abs(costs.roundTripMs - 20)).toBeLessThan(2);
  });
});

/** The small model takes 10 ms for a token here. */
async function ratios(speed: Speed): Promise<ReadonlyMap<string, number | null>> {
  const { times, costs } = await measured(speed);
  const large = { ...TIMED, model: 'far', weightBytes: 0, ...costs.model };
  const model = { name: 'timed', weightBytes: 1000, kvBytesPerToken: 0 };
  const counts = { parameterCounts: { body: 900, outputHead: 100 } };
  const report = adviceReport(
    {
      models: {
        small: { ...model, ...counts },
        large: { ...model, ...counts, name: 'far', weightBytes: 0 },
      },
      profile: PROFILE,
      remoteProfile: { ...PROFILE, name: 'there', models: [large] },
      ...{ roundTripMs: costs.roundTripMs, statistics: null },
      server: {
        ...{ engine: 'vllm', host: 'gpu', model: 'far', version: null, times, costs },
        works: ['large', 'entropy', 'rsd-likelihood', 'speculative', 'cascade'],
      },
    },
    { share: 0.2, acceptance: 0.8 },
  );
  expect(report.unavailable).toContain('citer');
  expect(report.places).toHaveLength(1);
  const [{ strategies }] = report.places;
  return new Map(strategies.map(({ name, faces }) => [name, faces.time.ratio]));
}

describe('advice on a server', () => {
  it('speaks against token mixes where a call costs a round trip, and for whole answers', async () => {
    const fast = await ratios(FAST);
    expect(fast.get('large')).toBe(1);
    expect([...fast.keys()]).toEqual([
      ...['small', 'large', 'entropy', 'rsd-likelihood', 'cascade', 'majority', 'best-of-n'],
      ...['best-of-n-likelihood', 'hgs-prm', 'hgs-prm-likelihood', 'speculative (small)'],
    ]);
    expect(fast.get('entropy')).toBeGreaterThan(2);
    // A step is one call.
    expect(fast.get('rsd-likelihood') ?? 0).toBeLessThan((fast.get('entropy') ?? 0) - 0.3);
    expect(fast.get('speculative (small)')).toBeGreaterThan(1);
  });

  it('speaks for token mixes where a token takes long there', async () => {
    const slow = await ratios({ tripMs: 1, tokenMs: 60, readMs: 2, prefixMs: 60, keeps: true });
    expect(slow.get('small')).toBeLessThan(0.3);
    expect(slow.get('entropy')).toBeLessThan(0.6);
    expect(slow.get('speculative (small)')).toBeGreaterThan(1);
  });

  it('speaks for speculation where prefixes are checked together', async () => {
    const gpu = await ratios({ tripMs: 0, tokenMs: 60, readMs: 0, prefixMs: 0.5, keeps: true });
    expect(gpu.get('speculative (small)')).toBeLessThan(0.7);
  });

  it('counts the whole text at every call of a server that keeps nothing', async () => {
    const [keeps, forgets] = [await ratios(FAST), await ratios({ ...FAST, keeps: false })];
    expect(forgets.get('entropy') ?? 0).toBeGreaterThan((keeps.get('entropy') ?? 0) + 1);
  });
});
