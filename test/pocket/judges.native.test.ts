/** The process reward model that comes with this package, and engines in which one model judges, too. */
import { expect, it } from 'vitest';
import { openEngine } from '../../src/app/open-engine.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { PLUS_OR_MINUS, tagged } from '../../src/judging/judge-prompt.ts';
import { AskedJudge } from '../../src/judging/judge-reward.ts';
import { soleSession } from '../../src/session/sole-session.ts';
import { answer, loadPocket, openPocket, question, testProblems } from './pocket-pair.ts';

it('finds most right first steps good', async () => {
  const model = await loadPocket('pocket-judge');
  await using models = new ModelSet({ large: model, reward: model });
  const settings = { name: 'prm', label: 'reward', layout: tagged } as const;
  const judge = new AskedJudge(
    { ...settings, scales: [PLUS_OR_MINUS] },
    models.tokenizerOf('reward'),
  );
  const problems = testProblems(20);
  await using session = soleSession(model, { promptLength: 1 });
  let goodCount = 0;
  for (const problem of problems) {
    const { messages = [] } = question(problem);
    goodCount += Number((await judge.reward(session, messages, problem.steps.slice(0, 1))) > 0.5);
  }
  expect(goodCount).toBeGreaterThanOrEqual(17);
});

it('is the reward model of the pocket pairs, with an id and costs of its own', async () => {
  await using engine = await openEngine({
    ...{ pair: 'pocket-strong', strategies: ['rsd-prm'], offline: true, threadCount: 1 },
  });
  const [problem] = testProblems(1);
  if (problem === undefined) throw new Error('there are problems');
  const { events, summary } = await answer(engine, { ...question(problem), strategy: 'rsd-prm' });
  expect(events[0]).toMatchObject({
    labels: { small: 'pocket-small-strong', large: 'pocket-large', reward: 'pocket-judge' },
  });
  const { 'pocket-judge': ofJudge } = summary.models;
  const stepCount = summary.text.split('\n\n').length;
  expect(ofJudge?.outputRowCount).toBe(stepCount);
  const read = events.filter((event) => event.type === 'work' && event.model === 'pocket-judge');
  // The question is read with the first step.
  expect(read.flatMap((event) => ('rowCounts' in event ? event.rowCounts : []))).toHaveLength(
    stepCount,
  );
});

it('runs where the large model judges, even with one request at a time', async () => {
  await using pair = await openPocket({ judges: true, requestCountMax: 1 });
  const [problem] = testProblems(1);
  if (problem === undefined) throw new Error('there are problems');
  const { summary } = await answer(pair.engine, { ...question(problem), strategy: 'rsd-judge' });
  expect(summary.models['pocket-large']?.outputRowCount).toBeGreaterThan(0);
  await pair.engine.checkIdle();
});
