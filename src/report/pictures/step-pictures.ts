/**
 * How often the methods of steps accept what the small model drafts: by the place of a step in its
 * answer, and by the difficulty of the question. A picture for each method.
 */
import type { TopLevelSpec } from 'vega-lite';
import type {
  AcceptanceGroup,
  EvaluationResult,
  StepAcceptance,
} from '../../evaluation/results.ts';
import type { MethodStyle } from '../../strategy/method-style.ts';
import { pointName, strategiesOf } from '../curves.ts';
import { INK } from '../strategy-styles.ts';
import { percent, percentRange } from '../wording.ts';
import { type Picture, subtitleOf } from './picture.ts';
import { PERCENT_LABEL, PLOT, THEME } from './theme.ts';

type Panel = Extract<TopLevelSpec, { readonly concat: unknown }>['concat'][number];

const SHARES = { domain: [0, 1] };
const PANEL_HEIGHT = 220;
const PANEL_GAP = 44;
const PANEL_WIDTH = Math.floor((PLOT.width - PANEL_GAP) / 2);

/** @param nameOf gives the name of a strategy's picture */
export function stepPictures(
  result: EvaluationResult,
  styles: ReadonlyMap<string, MethodStyle>,
  nameOf: (strategy: string) => string,
): Picture[] {
  const judged = result.stepAcceptance.filter(({ byPosition }) => byPosition.length > 0);
  return strategiesOf(judged).map((strategy) => {
    const points = judged.filter((one) => one.strategy === strategy);
    const color = styles.get(strategy)?.hue.light ?? INK.light;
    return stepPicture(result, points, { name: nameOf(strategy), color });
  });
}

function stepPicture(
  result: EvaluationResult,
  points: readonly StepAcceptance[],
  { name, color }: { readonly name: string; readonly color: string },
): Picture {
  const shown = medianPoint(points);
  const title = `Accepted steps of ${pointName(shown)}`;
  return {
    name,
    title,
    alt:
      `Share of drafted steps that ${pointName(shown)} accepted, by position in the answer and by ` +
      'difficulty of the question. The numbers of all its points follow as a table.',
    spec: {
      config: THEME,
      title: { text: title, subtitle: [subtitleOf(result), howToRead(points)] },
      concat: [
        panel('by position in the answer', shown.byPosition, color),
        panel('by difficulty of the question', shown.byDifficulty, color),
      ],
      columns: 2,
      spacing: { row: 36, column: PANEL_GAP },
    },
    numbers: {
      caption: `${title}, and of its other points`,
      textColumnCount: 2,
      columns: ['point', 'steps', 'judged', 'accepted', '95 % interval'],
      rows: points.flatMap((point) =>
        [...point.byPosition, ...point.byDifficulty].map((group) => [
          pointName(point),
          group.name,
          String(group.judgedCount),
          percent(group.acceptedShare),
          percentRange(group.low, group.high),
        ]),
      ),
    },
  };
}

function howToRead({ length }: readonly StepAcceptance[]): string {
  const which = length === 1 ? '' : ` Of ${length} points the one in the middle by acceptance.`;
  return `Whiskers: 95 %, as if steps were independent.${which}`;
}

/** Chosen by acceptance alone, never by right and wrong. */
function medianPoint(points: readonly StepAcceptance[]): StepAcceptance {
  const order = [...points].sort((a, b) => acceptedShare(a) - acceptedShare(b));
  return order[Math.floor((order.length - 1) / 2)] as StepAcceptance;
}

function acceptedShare({ byPosition }: StepAcceptance): number {
  const judged = byPosition.reduce((sum, { judgedCount }) => sum + judgedCount, 0);
  const accepted = byPosition.reduce((sum, one) => sum + one.judgedCount * one.acceptedShare, 0);
  return accepted / judged;
}

function panel(title: string, groups: readonly AcceptanceGroup[], color: string): Panel {
  const x = {
    field: 'name',
    type: 'nominal',
    sort: null,
    axis: { title: null, labelAngle: 0, labelLimit: PANEL_WIDTH / Math.max(1, groups.length) },
  } as const;
  const y = {
    field: 'acceptedShare',
    type: 'quantitative',
    scale: SHARES,
    axis: { title: 'Steps accepted', labelExpr: PERCENT_LABEL, tickCount: 6 },
  } as const;
  return {
    width: PANEL_WIDTH,
    height: PANEL_HEIGHT,
    title: { text: title, fontSize: 14, offset: 8, limit: PANEL_WIDTH },
    data: { values: [...groups] },
    layer: [
      {
        mark: { type: 'rule', color, strokeWidth: 2 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      { mark: { type: 'point', filled: true, size: 70, color, opacity: 1 }, encoding: { x, y } },
    ],
  };
}
