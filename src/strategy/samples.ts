/**
 * Several drafts or answers of one model to choose from. The first is the request's own: a greedy
 * request has its greedy text there, so one sample is what the model writes alone, and of equal samples
 * the first is kept. The others are independent draws; a greedy request draws them at a temperature.
 */
import type { SessionNeeds } from '../session/capabilities.ts';
import type { RowsRequest, Session } from '../session/session.ts';
import { checkOption } from './check-option.ts';
import type { StrategyContext } from './strategy.ts';

export interface SampleOptions {
  /** Answers, or tries of a step, from 1 to `SAMPLE_COUNT_MAX`; default 8. */
  readonly count?: number | undefined;
  /** The temperature of all samples but the first where the request is greedy; default 0.7. */
  readonly temperature?: number | undefined;
}

export const SAMPLE_COUNT_MAX = 64;
export const SAMPLE_DEFAULTS: { readonly count: number; readonly temperature: number } = {
  count: 8,
  temperature: 0.7,
};
const TEMPERATURE_MAX = 100;

/** The number of the draw of corrections. Drafts have other numbers, so both are independent. */
export const CORRECTION_DRAW = 1;

/** How sample number `index` is drawn. */
export function drawOf(
  index: number,
  { temperature: asked }: Pick<StrategyContext, 'temperature'>,
  { temperature = SAMPLE_DEFAULTS.temperature }: SampleOptions,
): Pick<RowsRequest, 'draw' | 'temperature'> {
  if (index === 0) return {};
  return { draw: CORRECTION_DRAW + index, temperature: asked === 0 ? temperature : asked };
}

/** Samples that are written at once: each takes cells of its own. */
const WIDTH_MAX = 4;

/** The branches that `sideBySide` opens. */
export function sampleBranches(count: number): SessionNeeds['branches'] {
  // Each has room for a whole text of the request; it adds no tokens to that.
  return { count: Math.min(count, WIDTH_MAX) - 1, tokenCountMax: 0 };
}

/**
 * Makes samples side by side on a session and its branches, which share the text that it has read.
 * @param make makes sample number `index`; calls on one session follow each other
 * @throws the first failure, when no sample is being made any more
 */
export async function sideBySide<T>(
  session: Session,
  count: number,
  make: (session: Session, index: number) => Promise<T>,
): Promise<T[]> {
  const samples: T[] = [];
  let next = 0;
  const makeSome = async (own: Session): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      samples[index] = await make(own, index);
    }
  };
  const branches = Array.from({ length: Math.min(count, WIDTH_MAX) - 1 }, () => session.fork());
  // The session itself begins, so that it reads the text first.
  const made = await Promise.allSettled([session, ...branches].map(makeSome));
  await Promise.allSettled(branches.map((branch) => branch[Symbol.asyncDispose]()));
  const failed = made.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return samples;
}

/** @throws PilotfishError `option-invalid` */
export function checkSamples({ count, temperature }: SampleOptions = {}): void {
  checkOption('samples', count, {
    holds: (value) => Number.isSafeInteger(value) && value >= 1 && value <= SAMPLE_COUNT_MAX,
    says: `an integer from 1 to ${SAMPLE_COUNT_MAX}`,
  });
  checkOption('sampleTemperature', temperature, {
    holds: (value) => value > 0 && value <= TEMPERATURE_MAX,
    says: `a number above 0, at most ${TEMPERATURE_MAX}`,
  });
}
