/** The page as one self-contained HTML text: no script, no font and no picture from outside. */
import { Eta } from 'eta';
import { PAGE_STYLE } from './page-style.ts';
import {
  EXAMPLE_TEMPLATE,
  PAGE_TEMPLATE,
  SECTION_TEMPLATE,
  TABLE_TEMPLATE,
} from './page-template.ts';
import { type DrawnResult, pageView } from './page-view.ts';

const PARTS = {
  '@page': PAGE_TEMPLATE,
  '@section': SECTION_TEMPLATE,
  '@table': TABLE_TEMPLATE,
  '@example': EXAMPLE_TEMPLATE,
} as const;

export function renderPage(results: readonly DrawnResult[]): string {
  const eta = new Eta({ autoEscape: true, autoTrim: false });
  for (const [name, template] of Object.entries(PARTS)) eta.loadTemplate(name, template);
  return eta.render('@page', { page: pageView(results), style: PAGE_STYLE });
}
