/**
 * How a strategy looks, the same in every picture: a hue and a shape, so that neither has to be
 * told apart alone, and dashes where the hues are used up. Hues are of Okabe and Ito and of Paul Tol,
 * with some darker ones. Whoever sees red, green or blue weakly tells any two of them apart: they
 * differ by 9 or more (CIEDE2000) as Machado's model shows them. Each has one for dark grounds.
 */
import { isModelAlone } from './curves.ts';

export interface StrategyStyle {
  readonly color: string;
  readonly shape: string;
  /** Of its line: lengths drawn and left out, in pixels. */
  readonly dash: readonly number[];
}

/** What is drawn in which colour: on light grounds, and what stands for it on dark ones. */
export const INK = { light: '#1f2328', dark: '#e6e8eb' } as const;
export const MUTED = { light: '#59636e', dark: '#a3adb8' } as const;
export const GRID = { light: '#dfe3e8', dark: '#353b43' } as const;
export const CONTROL = { light: '#7d868f', dark: '#9aa4ae' } as const;
/** Tokens on which the models agree and differ. */
export const AGREE = { light: '#0072b2', dark: '#56a7e0' } as const;
export const DIFFER = { light: '#d55e00', dark: '#ff8a3d' } as const;

const HUES = [
  AGREE,
  DIFFER,
  { light: '#009e73', dark: '#2fc79c' },
  { light: '#cc79a7', dark: '#e39cc4' },
  { light: '#c4a000', dark: '#ffe45c' },
  { light: '#332288', dark: '#7b6cf0' },
  { light: '#56b4e9', dark: '#8be0ff' },
  { light: '#aa3377', dark: '#c94f93' },
  { light: '#004d40', dark: '#208070' },
  { light: '#7a4a1e', dark: '#96622f' },
] as const;

const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'cross'] as const;

const SOLID: readonly number[] = [1, 0];
/** Of strategies beyond the hues: the first, the second, and every further time round. */
const DASHES: readonly (readonly number[])[] = [SOLID, [7, 3], [2, 3]];

/** Every light colour with its dark one: the page swaps them by what the reader prefers. */
export const COLOR_PAIRS: readonly { readonly light: string; readonly dark: string }[] = [
  INK,
  MUTED,
  GRID,
  CONTROL,
  ...HUES,
];

/** These keep their looks from report to report; others take the first looks that are free. */
const KNOWN: readonly string[] = [
  'entropy',
  'margin',
  'citer',
  'citer-s',
  'speculative',
  'co-llm',
  'cascade',
  'alignment',
  'co-llm-supervised',
  'citer-paper',
];

const LOOKS: readonly StrategyStyle[] = SHAPES.flatMap((_, round) =>
  HUES.map((hue, place) => ({
    color: hue.light,
    shape: SHAPES[(place + round) % SHAPES.length] ?? 'circle',
    dash: DASHES[Math.min(round, DASHES.length - 1)] ?? SOLID,
  })),
);

/** @param strategies all of a result, in order of appearance */
export function strategyStyles(
  strategies: readonly string[],
  controls: ReadonlySet<string>,
): ReadonlyMap<string, StrategyStyle> {
  const styles = new Map<string, StrategyStyle>();
  const free = new Set(LOOKS);
  const controlNames = [...controls];
  const isKnown = (name: string): boolean => KNOWN.includes(name);
  const order = [...strategies.filter(isKnown), ...strategies.filter((name) => !isKnown(name))];
  for (const name of order) {
    if (isModelAlone(name)) styles.set(name, { color: INK.light, shape: 'circle', dash: SOLID });
    else if (controls.has(name)) {
      const shape = SHAPES[controlNames.indexOf(name) % SHAPES.length] ?? 'circle';
      styles.set(name, { color: CONTROL.light, shape, dash: SOLID });
    } else {
      const own = LOOKS[KNOWN.indexOf(name)];
      const look = own ?? [...free][0];
      const chosen = look ?? LOOKS[styles.size % LOOKS.length];
      if (chosen === undefined) continue;
      free.delete(chosen);
      styles.set(name, chosen);
    }
  }
  return styles;
}
