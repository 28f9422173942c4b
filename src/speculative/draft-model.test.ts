import { describe, expect, it } from 'vitest';
import { NOTHING_READ } from '../core/row-program.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenId, tokenIds } from '../core/token-id.ts';
import { soleLease } from '../kv-cache/lease.ts';
import type { ForwardRequest, Sequence } from '../model/roles.ts';
import { LocalSession } from '../session/local-session.ts';
import { WorkRecorder } from '../session/work-recorder.ts';
import { AcceptanceEstimate } from './acceptance-estimate.ts';
import { DRAFT_LENGTH_MAX, type SpeculationCosts } from './draft-length.ts';
import { DraftModelProposer, reasonAgainstDraftModel } from './draft-model.ts';
import type { Draft, DraftLengthChoice } from './proposer.ts';
import type { VerifierName } from './verifiers.ts';

const END = tokenId(99);

const costsOf = (draft: number, row: number): SpeculationCosts => ({
  verifyMs: (rowCount) => 10 + row * (rowCount - 1),
  draftMs: (length) => length * draft,
});
const CHEAP = costsOf(1, 1);
const HOPELESS = costsOf(12, 1);
/** Pays only at full acceptance: two tokens for 18 ms instead of 20. */
const DARING = costsOf(4, 4);

/** Writes the successor of the last token, up to the end token. */
class CountingSequence implements Sequence {
  length = 0;
  forwardCount = 0;

  async forward({ tokens, outputFrom, program }: ForwardRequest) {
    this.length += tokens.length;
    this.forwardCount += 1;
    const rows = tokens.slice(outputFrom).map((token) => ({
      ...NOTHING_READ,
      tokenId: tokenId(token + 1),
      distribution: program.distribution === true ? Float64Array.from([token, 1]) : null,
    }));
    return { rows, waitedMs: 0, computeMs: 1 };
  }

  async truncate(length: number): Promise<void> {
    this.length = length;
  }

  fork(): Promise<Sequence> {
    return Promise.reject(new Error('drafting forks nothing'));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function bench(
  changes: {
    readonly length?: DraftLengthChoice;
    readonly costs?: SpeculationCosts | null;
    readonly verifier?: VerifierName;
    readonly acceptance?: AcceptanceEstimate;
  } = {},
) {
  const native = new CountingSequence();
  let openedCount = 0;
  let session: LocalSession | null = null;
  const open = (): LocalSession => {
    openedCount += 1;
    return new LocalSession({
      modelId: 'small',
      lease: soleLease({ small: { openSequence: () => native } }),
      ...{ promptLength: 1, rowCountMax: 8, contextLength: 512, remoteSessions: new Set() },
      recorder: new WorkRecorder(),
      sampling: { vocabularySize: 100, sampling: GREEDY, seed: 0 },
      isEndOfGeneration: (id) => id === END,
      tokenBytes: () => new Uint8Array(0),
      signal: new AbortController().signal,
    });
  };
  const acceptance = changes.acceptance ?? new AcceptanceEstimate(0.75, 16);
  const proposer = new DraftModelProposer({
    session: () => {
      session ??= open();
      return session;
    },
    verifier: changes.verifier ?? 'coupling',
    acceptance,
    length: changes.length ?? 'auto',
    costs: changes.costs === undefined ? CHEAP : changes.costs,
  });
  const propose = (text: readonly number[], lengthMax = 100): Promise<Draft | null> =>
    proposer.propose({ text: tokenIds(text), lengthMax });
  return { proposer, propose, native, acceptance, openedCount: () => openedCount };
}

describe('reasonAgainstDraftModel', () => {
  it('names unknown costs', () => {
    expect(reasonAgainstDraftModel(null, 1)).toBe('step costs were not measured');
  });

  it('names a machine on which even full acceptance loses, with the best speed', () => {
    expect(reasonAgainstDraftModel(HOPELESS, 1)).toBe(
      'even with every draft accepted it would run at 0.87x of the speed',
    );
  });

  it('names a low acceptance, with the expected speed', () => {
    expect(reasonAgainstDraftModel(DARING, 0.304)).toBe(
      'at an acceptance of 30 % it would run at 0.72x of the speed',
    );
  });

  it('is null if drafting pays', () => {
    expect(reasonAgainstDraftModel(DARING, 1)).toBeNull();
    expect(reasonAgainstDraftModel(CHEAP, 0.75)).toBeNull();
  });
});

describe('DraftModelProposer', () => {
  it('writes a draft of the requested length, with one forward per token', async () => {
    const { propose, native } = bench({ length: 3 });
    expect(await propose([5])).toEqual({
      tokens: [6, 7, 8],
      origin: 'small',
      distributions: null,
    });
    expect(native.forwardCount).toBe(3);
  });

  it('keeps to the length limit, and declines at a limit of 0', async () => {
    const { propose, openedCount } = bench({ length: 5 });
    expect(await propose([5], 0)).toBeNull();
    expect(openedCount()).toBe(0);
    expect((await propose([5], 2))?.tokens).toEqual([6, 7]);
  });

  it('ends a draft with an end-of-generation token', async () => {
    const { propose } = bench({ length: 8 });
    expect((await propose([96]))?.tokens).toEqual([97, 98, END]);
  });

  it('returns the distribution of each draft for rejection sampling', async () => {
    const { propose } = bench({ length: 2, verifier: 'rejection' });
    const draft = await propose([5]);
    expect(draft?.distributions?.map((values) => [...values])).toEqual([
      [5, 1],
      [6, 1],
    ]);
  });

  it('opens its sequence at the first draft and reuses it', async () => {
    const { propose, openedCount, native } = bench({ length: 2 });
    expect(openedCount()).toBe(0);
    await propose([5]);
    await propose([5, 6, 7, 50]);
    expect(openedCount()).toBe(1);
    // The second draft fed the missed tokens once, [7 50], and then its first token.
    expect(native.length).toBe(5);
    expect(native.forwardCount).toBe(4);
  });

  it('is off if drafting cannot pay: it opens no sequence, declines, and gives the reason', async () => {
    for (const costs of [HOPELESS, null]) {
      const { proposer, propose, openedCount } = bench({ costs });
      expect(proposer.isOff).toBe(true);
      expect(await propose([5])).toBeNull();
      expect(openedCount()).toBe(0);
      const why = reasonAgainstDraftModel(costs, 0.75);
      expect(proposer.note()).toBe(`draft model off: ${why}`);
    }
  });

  it('drafts a fixed length at any cost, because the user asked for it', async () => {
    const { proposer, propose } = bench({ length: 2, costs: null });
    expect(proposer.isOff).toBe(false);
    expect((await propose([5]))?.tokens).toEqual([6, 7]);
  });

  it('drafts less after rejections, until it declines', async () => {
    const { proposer, propose, acceptance } = bench({ costs: costsOf(2, 2) });
    const lengths: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const draft = await propose([5]);
      lengths.push(draft?.tokens.length ?? 0);
      if (draft !== null) proposer.observe(draft, 0);
    }
    expect(lengths[0]).toBeGreaterThan(1);
    expect(lengths[0]).toBeLessThanOrEqual(DRAFT_LENGTH_MAX);
    expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
    expect(lengths.at(-1)).toBe(0);
    expect(acceptance.value).toBeLessThan(0.5);
  });

  it('notes the number of accepted drafts', async () => {
    const { proposer, propose } = bench({ length: 4 });
    const draft = await propose([5]);
    if (draft !== null) proposer.observe(draft, 3);
    expect(proposer.note()).toBe('draft model: 3 of 4 drafts accepted');
  });
});
