/** The evidence of gates in a made-up evaluation: two informative ones, and a random one. */
import type { GateBin, GateEvidence } from '../../evaluation/results.ts';
import type { Random } from './random-from.ts';

export function gateEvidence(random: Random): readonly GateEvidence[] {
  return [entropyEvidence(random), marginEvidence(random), coinEvidence(random)];
}

function bins(
  edges: readonly number[],
  random: Random,
  share: (middle: number) => number,
  count: (middle: number) => number,
): GateBin[] {
  return edges.slice(1).map((to, place) => {
    const from = edges[place] ?? to;
    const middle = (from + to) / 2;
    const all = Math.round(count(middle) * (0.9 + 0.2 * random()));
    const differCount = Math.round(all * share(middle));
    return { from, to, agreeCount: all - differCount, differCount };
  });
}

function steps(from: number, to: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, step) => from + ((to - from) * step) / count);
}

function entropyEvidence(random: Random): GateEvidence {
  const found = bins(
    steps(0, 4, 20),
    random,
    (entropy) => Math.min(0.7, 0.008 + 0.17 * entropy),
    (entropy) => 18000 * Math.exp(-1.7 * entropy) + 40,
  );
  return { gate: 'entropy', tokenCount: tokenCount(found), auc: 0.931, bins: found };
}

/** From the margins that are kept, near 1, down to those that are deferred first. */
function marginEvidence(random: Random): GateEvidence {
  const found = bins(
    steps(1, 0, 20),
    random,
    (margin) => 0.006 + 0.5 * (1 - margin) ** 2,
    (margin) => 400 + 20000 * margin ** 9,
  );
  return { gate: 'margin', tokenCount: tokenCount(found), auc: 0.918, bins: found };
}

function coinEvidence(random: Random): GateEvidence {
  const found = bins(
    steps(1, 0, 10),
    random,
    () => 0.06 + 0.01 * (random() - 0.5),
    () => 2600,
  );
  return { gate: 'random', tokenCount: tokenCount(found), auc: 0.501, bins: found };
}

function tokenCount(found: readonly GateBin[]): number {
  return found.reduce((sum, { agreeCount, differCount }) => sum + agreeCount + differCount, 0);
}
