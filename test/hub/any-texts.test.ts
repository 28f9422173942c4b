/** A session over a link that breaks gives for every text what its model gives, whatever was asked before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PilotfishError } from '../../src/core/errors.ts';
import { GREEDY } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import type { Session, SessionRequest } from '../../src/session/session.ts';
import { soleSession } from '../../src/session/sole-session.ts';
import { WorkRecorder } from '../../src/session/work-recorder.ts';
import { runs } from '../runs.ts';
import { FaultyLink } from './faulty-link.ts';
import { END, large, PROMPT, QUICK, TOKENS, World } from './hub-world.ts';

const REQUEST = {
  ...{ promptLength: PROMPT.length, tokenBytes: () => new Uint8Array(0) },
  isEndOfGeneration: (id: TokenId) => id === END,
  sampling: { vocabularySize: TOKENS.length, sampling: { ...GREEDY, temperature: 1 }, seed: 3 },
} satisfies Partial<SessionRequest>;

/** What is asked of a text: its verdict, its row, or some tokens behind it. */
interface Asked {
  readonly kind: 'verdict' | 'row' | 'write';
  readonly tail: readonly number[];
  readonly count: number;
}

async function given(session: Session, { kind, tail, count }: Asked): Promise<readonly number[]> {
  const text = tokenIds([...PROMPT, ...tail]);
  const [draft = tokenIds([0])[0] as TokenId] = text;
  if (kind === 'verdict' && session.verdict !== undefined) {
    const question = { text, draft, distribution: { kind: 'none' } as const, wantsLogprob: false };
    const verdict = await session.verdict(question);
    if (verdict === null) throw new PilotfishError('hub-unreachable', 'The hub is away.');
    return [verdict.tokenId];
  }
  if (kind !== 'write') {
    const rows = await session.rows({ text, outputCount: 1, purpose: 'verify' });
    return rows.map(({ tokenId }) => tokenId);
  }
  const ids: number[] = [];
  // The reader leaves before the end that it named.
  const until = { tokenCountMax: count + 2 };
  for await (const { tokenId } of session.write({ text, until, purpose: 'correct' })) {
    ids.push(tokenId);
    if (ids.length === count) break;
  }
  return ids;
}

it('of a hub', async () => {
  // Texts that share beginnings, and part from them.
  const anyTail = fc.array(fc.nat({ max: 1 }), { maxLength: 6 });
  const anyAsked = fc.record<Asked>({
    kind: fc.constantFrom('verdict', 'row', 'write'),
    tail: anyTail,
    count: fc.integer({ min: 1, max: 6 }),
  });
  const anyCut = fc.record({ behind: fc.nat({ max: 9 }), arrives: fc.boolean() });
  let lostCount = 0;
  await fc.assert(
    fc.asyncProperty(
      ...[fc.array(anyAsked, { minLength: 2, maxLength: 12 }), fc.array(anyCut, { maxLength: 8 })],
      fc.boolean(),
      async (questions, cuts, isPatient) => {
        const faults = new FaultyLink(cuts);
        // Without patience a question is given up as soon as its link breaks.
        const patient = { ...QUICK, answerMs: 300, patienceMs: 600 };
        const impatient = { ...patient, offline: 'small', patienceMs: 0 } as const;
        await using world = new World({
          link: faults.link,
          policy: isPatient ? patient : impatient,
        });
        const recorder = new WorkRecorder();
        const { signal } = new AbortController();
        const lives = { recorder, signal, remoteSessions: new Set<AsyncDisposable>() };
        const far = world.model.openSession('large', { ...REQUEST, ...lives });
        const near = soleSession(large(), { ...REQUEST, recorder: new WorkRecorder(), signal });
        for (const asked of questions) {
          const answer = await given(far, asked).catch((error: unknown) => error);
          if (PilotfishError.isInstance(answer) && answer.code === 'hub-unreachable') {
            lostCount += 1;
            await new Promise((done) => setTimeout(done, 3));
          } else expect(answer).toEqual(await given(near, asked));
        }
        await near[Symbol.asyncDispose]();
        await far[Symbol.asyncDispose]();
      },
    ),
    { numRuns: runs(25, 400) },
  );
  expect(lostCount).toBeGreaterThan(0);
});
