/** Plain text cut to a number of terminal cells, with an ellipsis for the missing part. */
import stringWidth from 'string-width';
import { graphemes } from './graphemes.ts';

export function fitText(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const cells = stringWidth(grapheme);
    if (used + cells > width - 1) break;
    kept += grapheme;
    used += cells;
  }
  return `${kept}…`;
}
