/** The findings of `bench:served`: the speed of each strategy against the large model alone, and answers right. */
import type { ServedLine, ServedOptions } from '../served-speed.ts';
import type { MachineWatch } from './machine-watch.ts';
import { type PairedRatio, pairedRatio } from './paired-statistics.ts';
import { publish, ratioText } from './report.ts';

interface Finding {
  readonly strategy: string;
  readonly answerCount: number;
  readonly tokensPerSecond: number;
  /** Tokens per second over those of the large model, of all answers together. */
  readonly speedRatio: number;
  /** The same question by question. */
  readonly paired: PairedRatio;
  readonly secondsPerAnswer: number;
  readonly rightCount: number;
  /** Of the tokens. */
  readonly largeShare: number;
  readonly callsPerAnswer: number;
}

export function publishServed(
  { json = false, strategies, out: _, data: __, ...settings }: ServedOptions,
  lines: readonly ServedLine[],
  watch: MachineWatch,
): void {
  const large = new Map(lines.filter(isLarge).map((line) => [line.id, line]));
  const names = [...new Set(['large', ...strategies.split(',')])];
  const results = names.flatMap((name) => finding(name, lines, large) ?? []);
  const rows = results.map((found) => [
    found.strategy,
    String(found.answerCount),
    found.tokensPerSecond.toFixed(2),
    found.speedRatio.toFixed(2),
    ratioText(found.paired),
    found.secondsPerAnswer.toFixed(1),
    `${found.rightCount}`,
    `${(100 * found.largeShare).toFixed(1)}%`,
    found.callsPerAnswer.toFixed(1),
  ]);
  const head = [
    ...['strategy', 'answers', 'tokens/s', 'over large', 'by question', 's/answer', 'right'],
    ...['large share', 'calls/answer'],
  ];
  publish({ benchmark: 'served', settings, results, head, rows }, watch, json);
}

function isLarge({ strategy }: ServedLine): boolean {
  return strategy === 'large';
}

/** Over the questions that both have answered. */
function finding(
  strategy: string,
  lines: readonly ServedLine[],
  large: ReadonlyMap<string, ServedLine>,
): Finding | null {
  const pairs = lines.flatMap((line) => {
    const other = large.get(line.id);
    return line.strategy === strategy && other !== undefined ? [[line, other] as const] : [];
  });
  if (pairs.length === 0) return null;
  const own = pairs.map(([line]) => line);
  const others = pairs.map(([, line]) => line);
  const tokenCount = sum(own, (line) => line.tokenCount);
  return {
    strategy,
    answerCount: own.length,
    tokensPerSecond: speed(own),
    speedRatio: speed(own) / speed(others),
    paired: pairedRatio(pairs.map(([line, other]) => speed([line]) / speed([other]))),
    secondsPerAnswer: sum(own, (line) => line.elapsedMs) / 1000 / own.length,
    rightCount: own.filter(({ isRight }) => isRight).length,
    largeShare: sum(own, (line) => line.largeShare * line.tokenCount) / tokenCount,
    callsPerAnswer: sum(own, (line) => line.callCount) / own.length,
  };
}

/** Tokens per second, the reading of prompts included. */
function speed(lines: readonly ServedLine[]): number {
  return (1000 * sum(lines, (line) => line.tokenCount)) / sum(lines, (line) => line.elapsedMs);
}

function sum(lines: readonly ServedLine[], value: (line: ServedLine) => number): number {
  return lines.reduce((total, line) => total + value(line), 0);
}
