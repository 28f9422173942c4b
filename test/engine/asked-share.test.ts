/** A request for a share of tokens: its summary says what was asked for and what was got. */
import { expect, it } from 'vitest';
import type { SummaryEvent } from '../../src/core/events.ts';
import { shareWarning } from '../../src/engine/share-warning.ts';
import { tinyRewards } from '../../src/judging/fakes/tiny-reward.ts';
import { tinyRouter, tinyRouters } from '../../src/judging/fakes/tiny-router.ts';
import { questionOf, scriptedEvaluation } from '../evaluation/scripted-evaluation.ts';
import { collectEvents } from './collected-events.ts';

const small = {
  hiddenState: (text: readonly number[]) => [text.length / 8, -(text.at(-1) ?? 0)],
};

it('stands in the summary, with a warning where the share got is another', async () => {
  const routers = tinyRouters(['citer'], { hiddenSize: 2 });
  const { engine } = scriptedEvaluation({ small, routers });
  const summaryOf = async (strategy: string): Promise<SummaryEvent> => {
    const { messages } = questionOf(7);
    let summary: SummaryEvent | null = null;
    for await (const event of engine.generate({ messages, strategy, maxTokens: 30 })) {
      if (event.type === 'summary') summary = event;
    }
    if (summary === null) throw new Error('a run has a summary');
    return summary;
  };
  const warnings: string[] = [];
  for (const share of [0, 0.1, 0.3, 0.6, 1]) {
    const summary = await summaryOf(`citer@${100 * share}%`);
    expect(summary.askedShare).toBeCloseTo(share, 12);
    const warning = shareWarning({ share, unit: 'token', on: 'a formula' }, summary);
    expect(summary.notes).toEqual(warning === null ? [] : [warning]);
    warnings.push(...summary.notes);
  }
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThan(4);
  const { askedShare, notes } = await summaryOf('citer@0.45');
  expect([askedShare, notes]).toEqual([undefined, []]);
  await engine.close();
});

it('is of steps where a reward decides', async () => {
  const { calibration } = tinyRouter();
  const sizes = { hiddenSize: 2, largeHiddenSize: 2 };
  const rewards = tinyRewards(['rsd'], { ...sizes, calibration });
  const { engine } = scriptedEvaluation({ small, rewards, steps: { stepTokenCountMax: 2 } });
  const { messages } = questionOf(7);
  const request = { messages, strategy: 'rsd@30%', maxTokens: 30 };
  const summary = (await collectEvents(engine.generate(request))).at(-1);
  await engine.close();
  if (summary?.type !== 'summary') throw new Error('a run has a summary');
  expect(summary.askedShare).toBeCloseTo(0.3, 12);
  const warning = shareWarning({ share: 0.3, unit: 'step', on: 'a formula' }, summary);
  const asked = summary.notes.filter((note) => note.includes('was asked for'));
  expect(asked).toEqual(warning === null ? [] : [warning]);
});
