/**
 * How a strategy looks, the same in every picture: a hue and a shape, so that neither has to be
 * told apart alone. Hues are those of Okabe and Ito, which stay apart under every common colour
 * blindness; each has a lighter one for dark grounds.
 */
import { isModelAlone } from './curves.ts';

export interface StrategyStyle {
  readonly color: string;
  readonly shape: string;
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
  { light: '#b58900', dark: '#e6b93a' },
  { light: '#5b4ba8', dark: '#a195f0' },
] as const;

const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'triangle-down', 'cross'] as const;

/** Every light colour with its dark one: the page swaps them by what the reader prefers. */
export const COLOR_PAIRS: readonly { readonly light: string; readonly dark: string }[] = [
  INK,
  MUTED,
  GRID,
  CONTROL,
  ...HUES,
];

/** These keep their looks from report to report; others take the first looks that are free. */
const KNOWN = ['entropy', 'margin', 'citer', 'u-hlm', 'speculative', 'rsd'] as const;

const LOOKS: readonly StrategyStyle[] = SHAPES.flatMap((_, round) =>
  HUES.map((hue, place) => ({
    color: hue.light,
    shape: SHAPES[(place + round) % SHAPES.length] ?? 'circle',
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
  const isKnown = (name: string): boolean => (KNOWN as readonly string[]).includes(name);
  const order = [...strategies.filter(isKnown), ...strategies.filter((name) => !isKnown(name))];
  for (const name of order) {
    if (isModelAlone(name)) styles.set(name, { color: INK.light, shape: 'circle' });
    else if (controls.has(name)) {
      const shape = SHAPES[controlNames.indexOf(name) % SHAPES.length] ?? 'circle';
      styles.set(name, { color: CONTROL.light, shape });
    } else {
      const own = LOOKS[(KNOWN as readonly string[]).indexOf(name)];
      const look = own ?? [...free][0];
      const chosen = look ?? LOOKS[styles.size % LOOKS.length];
      if (chosen === undefined) continue;
      free.delete(chosen);
      styles.set(name, chosen);
    }
  }
  return styles;
}
