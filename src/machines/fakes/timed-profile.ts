/** A measured profile for tests. */
import type { MeasuredModel, MeasuredProfile } from '../machine-profile.ts';

export const TIMED: MeasuredModel = {
  model: 'timed',
  weightBytes: 1000,
  threadCount: 2,
  measuredAt: '2026-11-22T00:00:00.000Z',
  isQuick: false,
  spread: 0.01,
  cachedTokenCount: 0,
  decode: [{ rowCount: 1, ms: 10 }],
  prefill: [],
  attention: [],
  overheadMs: 0,
  readingMs: { logprob: 0, uncertainty: 0, draw: 0 },
};

export const PROFILE: MeasuredProfile = {
  format: 'pilotfish-profile',
  version: 1,
  name: 'box',
  kind: 'measured',
  roundTripMs: null,
  machine: { processor: 'Some CPU @ 2 GHz', processorCount: 2, library: '1.2.3' },
  models: [TIMED],
  threads: [
    { model: 'timed', weightBytes: 1000, threadCount: 2, measured: [{ threadCount: 2, ms: 10 }] },
  ],
};
