import { expect, it } from 'vitest';
import {
  SPARE_SEQUENCE_COUNT,
  sequenceCountOf,
  WAVE_SIZE_MAX,
} from '../evaluation/run/sequence-counts.ts';
import { SEQUENCE_COUNT_LIMIT } from '../model/sequence-count-limit.ts';
import { LABEL_SEQUENCE_COUNT, TRAINING_WAVE_SIZE_MAX } from './sequence-counts.ts';

it('a training takes every sequence that a model can have, and none beyond', () => {
  expect(sequenceCountOf(WAVE_SIZE_MAX, SPARE_SEQUENCE_COUNT)).toBe(SEQUENCE_COUNT_LIMIT);
  expect(sequenceCountOf(TRAINING_WAVE_SIZE_MAX, LABEL_SEQUENCE_COUNT)).toBe(SEQUENCE_COUNT_LIMIT);
});
