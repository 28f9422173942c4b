import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CODES,
  MAX_TOKENS,
  pointOf,
  questionOf,
  scriptedEvaluation,
} from '../../../test/evaluation/scripted-evaluation.ts';
import { foldRunCost } from '../../accounting/run-cost.ts';
import type {
  EngineEvent,
  Origin,
  StartEvent,
  SummaryEvent,
  WorkPurpose,
} from '../../core/events.ts';
import { labelledModel } from '../../core/model-id.ts';
import { tokenId } from '../../core/token-id.ts';
import { tinyRewards } from '../../judging/fakes/tiny-reward.ts';
import { tinyRouters } from '../../judging/fakes/tiny-router.ts';
import { type HeadKind, isOfPair } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import { strategyValue } from '../../strategy/strategy-value.ts';
import {
  type AnswerRecord,
  answerText,
  checkLine,
  eventsOf,
  recordedTokens,
  recordLine,
  recordOf,
  recordOfLine,
} from './answer-record.ts';
import type { EvaluatedModel } from './evaluation-pair.ts';
import { type EvaluationPoint, namedPoint } from './evaluation-point.ts';
import { ModelCodes } from './manifest.ts';
import { type RunFacts, startOf } from './point-runs.ts';

const THRESHOLDS: Record<string, readonly number[]> = {
  entropy: [0.5, 100],
  margin: [0.5, -1],
  random: [0.4],
  cascade: [0.5, 100],
  'random-query': [0, 1],
};
const LEARNED = METHODS.filter(({ head, threshold }) => head !== null && threshold !== null).map(
  ({ name }) => name,
);
const headsOf = (kind: HeadKind) => [
  ...new Set(METHODS.flatMap(({ head }) => (head?.kind === kind ? [head.name] : []))),
];
for (const name of LEARNED) THRESHOLDS[name] = [0.5];
const POINTS = METHODS.filter(isOfPair).flatMap((method) =>
  (THRESHOLDS[method.name] ?? [method.threshold?.default ?? null]).map((threshold) => ({
    method,
    threshold,
    seed: 3,
  })),
);

const world = scriptedEvaluation({
  draftLength: 3,
  routers: tinyRouters(headsOf('router'), { hiddenSize: 1 }),
  rewards: tinyRewards(headsOf('reward'), { hiddenSize: 1, largeHiddenSize: 1 }),
});
const facts = {
  models: world.pair.models,
  labels: world.pair.labels,
  maxTokens: MAX_TOKENS,
  contextLength: world.pair.contextLength,
  profiles: [],
};

async function eventsUnder(point: EvaluationPoint, index: number): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  const { messages } = questionOf(index);
  const strategy = strategyValue(point.method, point.threshold);
  const request = { messages, strategy, seed: index, maxTokens: MAX_TOKENS };
  for await (const event of world.engine.generate({ ...request, reusePrefix: false })) {
    events.push(event);
  }
  return events;
}

function summaryOf(events: readonly EngineEvent[]): SummaryEvent {
  const last = events.at(-1);
  if (last?.type !== 'summary') throw new Error('a run ends with its summary');
  return last;
}

/** The record after a round trip through its line. */
function readAgain(record: AnswerRecord, codes: ModelCodes): AnswerRecord {
  const line = checkLine(JSON.stringify(recordLine(record, codes)), codes);
  expect(line).toEqual(recordLine(record, codes));
  if (typeof line === 'string') throw new Error(line);
  return recordOfLine(line, codes);
}

const REWARD: EvaluatedModel = {
  ...labelledModel(world.pair, 'large'),
  ...{ name: 'prm', digest: 'digest of prm', weightBytes: 777 },
};
const GUIDED: RunFacts = {
  ...facts,
  models: { ...facts.models, prm: REWARD },
  labels: { ...facts.labels, reward: 'prm' },
};
const GUIDED_CODES = new ModelCodes(
  new Map([
    ['s', 'small'],
    ['l', 'large'],
    ['r', 'prm'],
  ]),
);

const anyToken = fc
  .tuple(fc.constantFrom<Origin>('small', 'large', 'prompt-lookup'), fc.boolean())
  .map(([origin, verified]) => ({
    ...{ type: 'token' as const, index: 0, tokenId: tokenId(1), text: 'x', origin, verified },
    ...{ proposedTokenId: null, score: null, logprob: null, round: 0, elapsedMs: 0 },
  }));
const anyWork = fc
  .record({
    model: fc.constantFrom('small', 'large', 'prm'),
    purpose: fc.constantFrom<WorkPurpose>('prefill', 'draft', 'verify', 'reward', 'correct'),
    rowCounts: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
    outputRowCount: fc.nat({ max: 9 }),
    reusedRowCount: fc.nat({ max: 3 }),
    bytesUp: fc.nat({ max: 3 }),
    bytesDown: fc.nat({ max: 3 }),
  })
  .map((work) => ({ type: 'work' as const, ...work, waitedMs: 0, computeMs: 0 }));

/** A run of a pair and a reward model, some of them across a link. */
const anyRun = fc.array(fc.oneof(anyToken, anyWork), { maxLength: 20 }).map((events) => {
  const point = pointOf('large');
  const start: StartEvent = {
    ...startOf({ ...namedPoint(point), promptTokenCount: 9 }, GUIDED, point.method),
  };
  const summary: SummaryEvent = {
    ...{ type: 'summary', text: '', ...foldRunCost(start, events) },
    ...{ finishReason: 'token-limit', elapsedMs: 0, firstTokenMs: null, queuedMs: 0, notes: [] },
  };
  return { point, start, summary, events: [start, ...events, summary] };
});

describe('a record of an answer', () => {
  it('keeps all costs but the times, for any models, with the bytes of links', () => {
    fc.assert(
      fc.property(anyRun, ({ point, summary, events }) => {
        const record = readAgain(recordOf(point, questionOf(1), events), GUIDED_CODES);
        const cost = foldRunCost(startOf(record, GUIDED, point.method), eventsOf(record));
        expect(summary).toMatchObject(cost);
      }),
    );
  });

  it.each(POINTS)('holds all that a run of $method.name@$threshold cost', async (point) => {
    expect(point.method.threshold === null).toBe(point.threshold === null);
    for (const index of [1, 12, 345, 9876]) {
      const events = await eventsUnder(point, index);
      const record = recordOf(point, questionOf(index), events);
      const summary = summaryOf(events);
      expect(answerText(record)).toBe(summary.text);
      expect(record.finishReason).toBe(summary.finishReason);
      const cost = foldRunCost(startOf(record, facts, point.method), eventsOf(record));
      const untimed = { ...cost, computeMs: summary.computeMs, waitedMs: summary.waitedMs };
      expect(summary).toMatchObject(untimed);
      expect(readAgain(record, CODES)).toEqual(record);
    }
  });

  it('knows the rounds of the run, which are the steps of a method of steps', async () => {
    for (const point of POINTS) {
      for (const index of [3, 42, 777]) {
        const events = await eventsUnder(point, index);
        const rounds = events.flatMap((event) => (event.type === 'token' ? [event.round] : []));
        const record = recordOf(point, questionOf(index), events);
        expect(recordedTokens(record).map(({ round }) => round)).toEqual(rounds);
      }
    }
  });

  it('has tokens and work in the order they happened', async () => {
    for (const point of POINTS) {
      const events = await eventsUnder(point, 42);
      const record = recordOf(point, questionOf(42), events);
      const told = (all: Iterable<EngineEvent>): unknown[] => {
        return [...all].flatMap((event): unknown[] => {
          if (event.type === 'token') {
            const { index, tokenId, text, origin, verified } = event;
            return [{ index, tokenId, text, origin, verified }];
          }
          if (event.type !== 'work') return [];
          const { model, purpose, rowCounts, outputRowCount } = event;
          return [{ model, purpose, rowCounts, outputRowCount }];
        });
      };
      expect(told(eventsOf(record))).toEqual(told(events));
      const tokens = events.filter((event) => event.type === 'token');
      for (const [index, { score }] of tokens.entries()) {
        const kept = record.scores?.[index] ?? null;
        if (score === null) expect(kept).toBeNull();
        else expect(kept).toBeCloseTo(score, 4);
      }
    }
  });

  it('has no scores where no gate ran', async () => {
    const point = pointOf('large');
    const events = await eventsUnder(point, 1);
    expect(recordOf(point, questionOf(1), events).scores).toBeNull();
  });

  it('is made only of runs that ended', async () => {
    const point = pointOf('large');
    const events = await eventsUnder(point, 1);
    expect(() => recordOf(point, questionOf(1), events.slice(0, -1))).toThrow('summary');
    expect(() => recordOf(point, questionOf(1), events.slice(1))).toThrow('a run starts');
  });
});

describe('a line that is not a record', () => {
  const line = async (change: object): Promise<string> => {
    const point = pointOf('entropy@0.5');
    const record = recordOf(point, questionOf(1), await eventsUnder({ ...point, seed: 3 }, 1));
    return JSON.stringify({ ...recordLine(record, CODES), ...change });
  };

  it.each([
    [{ question: 1 }, /^question: /],
    [{ promptTokenCount: 0 }, /^promptTokenCount: /],
    [{ texts: ['a'] }, /^the record: its tokens, texts, origins and scores are not equally many/],
    [{ origins: 'x' }, /^origins: /],
    [{ finishReason: 'tired' }, /^finishReason: /],
    [{ work: [[0, 'x', 'route', 1, 1]] }, /^work\.0\.1: /],
    [{ work: [[0, 's', 'route', 1, -1]] }, /^work\.0\.4: /],
    [{ work: [[0, 's', 'route', 1, { up: 1 }, 1]] }, /^work\.0: its rows are not numbers/],
    [{ work: [[0, 's', 'route', 1, { sideways: 1 }]] }, /^work\.0\.4: /],
    [{ work: [[0, 'r', 'reward', 1, 1]] }, /^work\.0\.1: the folder has no model "r"/],
    [{ scores: [null, 'a'] }, /^scores\.1: /],
    [{ threshold: undefined }, /^threshold: /],
  ])('says what is wrong with it: %j', async (change, message) => {
    expect(checkLine(await line(change), CODES)).toMatch(message);
  });

  it('may not even be JSON', () => {
    expect(checkLine('{', CODES)).toBe('it is not JSON');
    expect(checkLine('7', CODES)).toMatch(/^the record: /);
  });

  const late = [99, 's', 'route', 1, 1];
  const back = [
    [2, 's', 'route', 1, 1],
    [1, 's', 'route', 1, 1],
  ];
  it.each([
    [{ scores: [0.5] }, 'its tokens, texts, origins and scores are not equally many'],
    [{ work: [late] }, 'its work is not in the order of its tokens'],
    [{ work: back }, 'its work is not in the order of its tokens'],
  ])('may disagree with itself: %j', async (change, message) => {
    expect(checkLine(await line(change), CODES)).toBe(`the record: ${message}`);
  });
});
