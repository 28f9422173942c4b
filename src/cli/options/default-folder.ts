/** The default folders of commands. */
import { join } from 'node:path';

/** Makes a name such as `evaluations/gsm8k-pocket`. @param words absent ones are left out */
export function defaultFolder(root: string, words: readonly (string | undefined)[]): string {
  const name = words.filter((word) => word !== undefined && word !== '').join('-');
  return join(root, name.replaceAll(/[^\w.-]+/g, '-'));
}

interface ModelNames {
  readonly pair?: string;
  readonly small?: string;
  readonly large?: string;
}

/** The word for a pair of models. */
export function pairWord({ pair, small, large }: ModelNames): string {
  return pair ?? [small, large].filter((name) => name !== undefined).join('-');
}
