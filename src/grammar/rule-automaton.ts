/**
 * The body of a rule as a deterministic automaton over bytes and over references to other rules. In
 * this form the matching engine knows at every byte which tokens may continue. Otherwise it would try
 * a token that has to leave many small rules anew at every step (measured: 400 ms instead of 0.1 ms).
 */
import { type ByteRange, codePoints, utf8Sequences } from './code-points.ts';
import type { ByteState, Expression } from './expression.ts';
import { grammarError } from './grammar-error.ts';

export interface RuleState extends ByteState {
  readonly ruleEdges: readonly { readonly rule: string; readonly to: number }[];
}

const STATE_COUNT_MAX = 10_000;
/**
 * The most states of the automaton before it is made deterministic. Repetitions count as often as
 * they may occur.
 */
const PART_COUNT_MAX = 200_000;

/** The states; the first one is the start. @throws PilotfishError `grammar-invalid` */
export function ruleAutomaton(body: Expression): readonly RuleState[] {
  const parts = new Parts();
  const start = parts.state();
  const end = parts.add(body, start);
  return new Determiniser(parts, end).run(start);
}

type Label = { readonly range: ByteRange } | { readonly rule: string };
type Edge = Label & { readonly to: number };

/** The nondeterministic automaton, with free moves between states, built part by part. */
class Parts {
  readonly edges: Edge[][] = [];
  readonly free: number[][] = [];

  state(): number {
    if (this.edges.length >= PART_COUNT_MAX) throw tooLarge();
    this.edges.push([]);
    this.free.push([]);
    return this.edges.length - 1;
  }

  /** Adds an expression behind a state. @returns the state behind it */
  add(expression: Expression, from: number): number {
    switch (expression.kind) {
      case 'text':
        return this.#bytes(new TextEncoder().encode(expression.text), from);
      case 'class':
        return this.#class(expression.set, from);
      case 'sequence':
        return expression.parts.reduce((at, part) => this.add(part, at), from);
      case 'choice':
        return this.#choice(expression.options, from);
      case 'repeat':
        return this.#repeat(expression.part, expression.min, expression.max, from);
      case 'rule':
        return this.#edge(from, { rule: expression.name }, this.state());
      case 'automaton':
        return this.#automaton(expression.states, from);
    }
  }

  #edge(from: number, label: Label, to: number): number {
    this.edges[from]?.push({ ...label, to });
    return to;
  }

  #bytes(bytes: Uint8Array, from: number): number {
    let at = from;
    for (const byte of bytes) {
      at = this.#edge(at, { range: { first: byte, last: byte } }, this.state());
    }
    return at;
  }

  #class(set: Parameters<typeof utf8Sequences>[0], from: number): number {
    const end = this.state();
    for (const ranges of utf8Sequences(codePoints(set))) {
      let at = from;
      for (const [index, range] of ranges.entries()) {
        at = this.#edge(at, { range }, index === ranges.length - 1 ? end : this.state());
      }
    }
    return end;
  }

  #choice(options: readonly Expression[], from: number): number {
    const end = this.state();
    for (const option of options) this.free[this.add(option, from)]?.push(end);
    return end;
  }

  #automaton(states: readonly ByteState[], from: number): number {
    const numbers = states.map(() => this.state());
    const end = this.state();
    this.free[from]?.push(numbers[0] ?? end);
    for (const [index, { byteEdges, isEnd }] of states.entries()) {
      const at = numbers[index] ?? end;
      for (const { ranges, to } of byteEdges) {
        for (const range of ranges) this.#edge(at, { range }, numbers[to] ?? end);
      }
      if (isEnd) this.free[at]?.push(end);
    }
    return end;
  }

  #repeat(part: Expression, min: number, max: number | null, from: number): number {
    let at = from;
    for (let count = 0; count < min; count += 1) at = this.add(part, at);
    const end = this.state();
    if (max === null) {
      // The loop needs a state of its own: its back edge must not lead to the states before it.
      const loop = this.state();
      this.free[at]?.push(loop);
      this.free[this.add(part, loop)]?.push(loop);
      this.free[loop]?.push(end);
      return end;
    }
    for (let count = min; count < max; count += 1) {
      this.free[at]?.push(end);
      at = this.add(part, at);
    }
    this.free[at]?.push(end);
    return end;
  }
}

/** Each state of the deterministic automaton is a set of states of the first one. */
class Determiniser {
  readonly #parts: Parts;
  readonly #end: number;
  readonly #numbers = new Map<string, number>();
  readonly #sets: (readonly number[])[] = [];

  constructor(parts: Parts, end: number) {
    this.#parts = parts;
    this.#end = end;
  }

  run(start: number): readonly RuleState[] {
    this.#number([start]);
    const states: RuleState[] = [];
    for (let at = 0; at < this.#sets.length; at += 1) {
      if (at >= STATE_COUNT_MAX) throw tooLarge();
      const set = this.#sets[at] ?? [];
      const edges = set.flatMap((state) => this.#parts.edges[state] ?? []);
      states.push({
        byteEdges: this.#byteEdges(edges),
        ruleEdges: this.#ruleEdges(edges),
        isEnd: set.includes(this.#end),
      });
    }
    return states;
  }

  /** The number of the state for these states and all that free moves reach from them. */
  #number(states: readonly number[]): number {
    const reached = new Set(states);
    for (const state of reached)
      for (const next of this.#parts.free[state] ?? []) reached.add(next);
    // States without edges can be dropped, except the end.
    const set = [...reached]
      .filter((state) => state === this.#end || (this.#parts.edges[state]?.length ?? 0) > 0)
      .sort((a, b) => a - b);
    const key = set.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#sets.length);
    this.#sets.push(set);
    return this.#sets.length - 1;
  }

  #byteEdges(edges: readonly Edge[]): RuleState['byteEdges'] {
    const ranged = edges.flatMap((edge) => ('range' in edge ? [edge] : []));
    const borders = new Set(ranged.flatMap(({ range }) => [range.first, range.last + 1]));
    const sorted = [...borders].sort((a, b) => a - b);
    const byTarget = new Map<number, ByteRange[]>();
    for (const [index, first] of sorted.entries()) {
      const next = sorted[index + 1];
      if (next === undefined) break;
      const here = ranged.filter(({ range }) => range.first <= first && first <= range.last);
      if (here.length === 0) continue;
      const to = this.#number(here.map((edge) => edge.to));
      const ranges = byTarget.get(to) ?? [];
      const last = ranges.at(-1);
      // Adjacent ranges that lead to the same state are joined.
      if (last !== undefined && last.last + 1 === first) ranges.pop();
      ranges.push({ first: last?.last === first - 1 ? last.first : first, last: next - 1 });
      byTarget.set(to, ranges);
    }
    return [...byTarget].map(([to, ranges]) => ({ ranges, to }));
  }

  #ruleEdges(edges: readonly Edge[]): RuleState['ruleEdges'] {
    const byRule = new Map<string, number[]>();
    for (const edge of edges) {
      if ('rule' in edge) byRule.set(edge.rule, [...(byRule.get(edge.rule) ?? []), edge.to]);
    }
    return [...byRule].map(([rule, targets]) => ({ rule, to: this.#number(targets) }));
  }
}

function tooLarge(): Error {
  return grammarError(
    'The grammar is too large.',
    'Use smaller repetition counts, or fewer options.',
  );
}
