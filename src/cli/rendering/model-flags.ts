/** The models in a command that another command suggests. */
import { printableText } from './printable-text.ts';

interface ModelNames {
  readonly pair?: string | undefined;
  readonly small?: string | undefined;
  readonly large?: string | undefined;
}

/** The options that choose these models again, with a space before each: ` --pair pocket`. */
export function modelFlags({ pair, small, large }: ModelNames): string {
  return Object.entries({ pair, small, large })
    .map(([flag, name]) => (name === undefined ? '' : ` --${flag} ${printableText(name)}`))
    .join('');
}
