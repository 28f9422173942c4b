import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scriptedModel } from '../../test/simulation/scripted-pair.ts';
import type { RowReads } from '../core/row-reads.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenIds } from '../core/token-id.ts';
import { gateContext } from '../judging/fakes/gate-context.ts';
import type { Gate } from '../judging/gate.ts';
import type { ForwardRequest } from '../model/roles.ts';
import { soleSession } from '../session/sole-session.ts';
import { tokenRouting } from './token-routing.ts';

/** The reads that one round requests of both models, and the values that the gate then gets. */
async function routed(reads: RowReads, calls: boolean) {
  const asked: unknown[] = [];
  const seen: unknown[] = [];
  const gate: Gate = {
    name: 'any',
    reads,
    deferralSide: 'above',
    score: ({ entropy, hidden, topLogprobs }, position) => {
      seen.push({ entropy: entropy !== null, hidden: hidden !== null, top: topLogprobs?.length });
      return position;
    },
  };
  const sessionOf = (role: 'small' | 'large') => {
    const model = scriptedModel(role, {
      contextLength: 64,
      onForward: async ({ program, outputFrom, tokens }: ForwardRequest) => {
        if (outputFrom === tokens.length) return;
        const { uncertainty = false, hidden = false, topLogprobs } = program;
        asked.push({ role, entropy: uncertainty, hidden, top: topLogprobs });
      },
    });
    return soleSession(model, {
      promptLength: 3,
      sampling: { vocabularySize: 12, sampling: GREEDY, seed: 1 },
    });
  };
  const sessions = { small: sessionOf('small'), large: sessionOf('large') };
  const decoder = tokenRouting(gate, calls ? 0 : 9, { thresholdName: 'threshold' }).begin({
    session: (label) => sessions[label === 'small' ? 'small' : 'large'],
    ...gateContext(),
    tokenReads: {},
    temperature: 0,
    isEndOfGeneration: () => false,
    finalAnswer: () => null,
    ...{ messages: [], promptLength: 3, tokenizer: () => Promise.reject() as never },
    stops: [],
  });
  const round = { text: tokenIds([1, 2, 3]), tokenCountMax: 1 };
  const [decision] = await decoder.round(round);
  return { asked, seen, decision };
}

const NOTHING = { entropy: false, hidden: false, top: undefined };

describe('token routing', () => {
  it("reads the gate's values off the small model's row, and none off the large model's", async () => {
    const anyReads: fc.Arbitrary<RowReads> = fc.record(
      {
        uncertainty: fc.boolean(),
        hidden: fc.boolean(),
        topLogprobs: fc.integer({ min: 1, max: 9 }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(anyReads, fc.boolean(), async (reads, calls) => {
        const { uncertainty = false, hidden = false, topLogprobs: top } = reads;
        const wanted = { entropy: uncertainty, hidden, top };
        const { asked, seen, decision } = await routed(reads, calls);
        const large = calls ? [{ role: 'large', ...NOTHING }] : [];
        expect(asked).toEqual([{ role: 'small', ...wanted }, ...large]);
        expect(seen).toEqual([wanted]);
        expect(decision).toMatchObject({ origin: calls ? 'large' : 'small', score: 3 });
      }),
      { numRuns: 50 },
    );
  });
});
