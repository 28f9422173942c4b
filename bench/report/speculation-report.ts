/**
 * The findings of `bench speculative`: ratios over all prompts, by category, and the wins of prompt
 * lookup.
 */
import type { SpeculationLine, SpeculationOptions } from '../speculative.ts';
import type { TimedAnswer } from '../workload/timed-answer.ts';
import type { MachineWatch } from './machine-watch.ts';
import { type PairedRatio, pairedRatio, quantile } from './paired-statistics.ts';
import { publish, ratioText, yesNo } from './report.ts';

const MEDIAN_MIN = 0.97;
const WORST_MIN = 0.9;
/** The least ratio of a clear win of prompt lookup. */
const CLEAR_WIN = 1.1;

type Compared = 'speculative' | 'control';
type Speed = 'decode' | 'whole';

interface Group {
  readonly category: string;
  readonly compared: Compared;
  readonly decode: PairedRatio;
  /** A tenth of the prompts has a smaller ratio. */
  readonly decodeP10: number;
  /** The whole request, prefill included. */
  readonly whole: PairedRatio;
  readonly sameTextCount: number;
  readonly draftedCount: number;
  readonly acceptedCount: number;
}

interface Found {
  readonly lines: readonly SpeculationLine[];
  /** Prompts of the whole sample. */
  readonly wanted: number;
}

export function publishSpeculation(
  options: SpeculationOptions,
  { lines, wanted }: Found,
  watch: MachineWatch,
): void {
  const { json, ...settings } = options;
  const groups = allGroups(lines);
  const all = groups.find(
    ({ category, compared }) => category === 'all' && compared === 'speculative',
  );
  const medianMet = all === undefined ? null : all.decode.median >= MEDIAN_MIN;
  const worstMet = all === undefined ? null : all.decode.smallest >= WORST_MIN;
  const wins = lookupWins(lines);
  const notes = [
    `${lines.length} of ${wanted} prompts measured`,
    `median >= ${MEDIAN_MIN}: ${yesNo(medianMet === true)}; worst >= ${WORST_MIN}: ${yesNo(worstMet === true)}`,
    ...wins.map(
      (win) =>
        `prompt lookup won: ${win.category} ${win.id}, ratio ${win.ratio.toFixed(2)}, ` +
        `${win.acceptedCount} of ${win.draftedCount} drafts accepted`,
    ),
  ];
  const results = [
    { groups, medianMet, worstMet, lookupWins: wins, promptCount: lines.length, wanted },
  ];
  const head = ['category', 'against large', 'prompts', 'ratio, decoding', 'p10', 'worst', 'best'];
  const more = ['ratio, whole', 'same text', 'drafts accepted'];
  const table = { head: [...head, ...more], rows: groups.map(row), notes };
  publish({ benchmark: 'speculative', settings, results, ...table }, watch, json === true);
}

function row(group: Group): string[] {
  return [
    group.category,
    group.compared,
    String(group.decode.pairCount),
    ratioText(group.decode),
    group.decodeP10.toFixed(3),
    group.decode.smallest.toFixed(3),
    group.decode.largest.toFixed(3),
    ratioText(group.whole),
    `${group.sameTextCount} of ${group.decode.pairCount}`,
    group.compared === 'control' ? '' : `${group.acceptedCount} of ${group.draftedCount}`,
  ];
}

/** All prompts together first, then each category. */
function allGroups(lines: readonly SpeculationLine[]): Group[] {
  const categories = [...new Set(lines.map(({ category }) => category))];
  const parts: [string, readonly SpeculationLine[]][] = [
    ['all', lines],
    ...categories.map((name): [string, readonly SpeculationLine[]] => [
      name,
      lines.filter(({ category }) => category === name),
    ]),
  ];
  return parts.flatMap(([category, some]) =>
    (['speculative', 'control'] as const).flatMap(
      (compared) => group(category, compared, some) ?? [],
    ),
  );
}

function group(
  category: string,
  compared: Compared,
  lines: readonly SpeculationLine[],
): Group | null {
  const pairs = lines.flatMap((line) => {
    const [large, other] = [line.large, line[compared]];
    return large === null || other === null ? [] : [{ large, other }];
  });
  if (pairs.length === 0) return null;
  const ratios = (speed: Speed): number[] =>
    pairs.map(({ large, other }) => tokensPerSecond(other, speed) / tokensPerSecond(large, speed));
  const sum = (pick: (answer: TimedAnswer) => number): number =>
    pairs.reduce((total, { other }) => total + pick(other), 0);
  return {
    category,
    compared,
    decode: pairedRatio(ratios('decode')),
    decodeP10: quantile(ratios('decode'), 0.1),
    whole: pairedRatio(ratios('whole')),
    sameTextCount: pairs.filter(({ large, other }) => large.text === other.text).length,
    draftedCount: sum(({ draftedCount }) => draftedCount),
    acceptedCount: sum(({ acceptedCount }) => acceptedCount),
  };
}

function tokensPerSecond(answer: TimedAnswer, speed: Speed): number {
  if (speed === 'decode') return answer.decodeTokensPerSecond;
  return (answer.tokenCount * 1000) / answer.elapsedMs;
}

interface Win {
  readonly id: string;
  readonly category: string;
  readonly ratio: number;
  readonly draftedCount: number;
  readonly acceptedCount: number;
}

function lookupWins(lines: readonly SpeculationLine[]): Win[] {
  const wins = lines.flatMap(({ id, category, large, speculative }): Win[] => {
    if (large === null || speculative === null) return [];
    const ratio = speculative.decodeTokensPerSecond / large.decodeTokensPerSecond;
    const { draftedCount, lookupAcceptedCount: acceptedCount } = speculative;
    if (ratio < CLEAR_WIN || acceptedCount === 0) return [];
    return [{ id, category, ratio, draftedCount, acceptedCount }];
  });
  return wins.sort((a, b) => b.ratio - a.ratio);
}
