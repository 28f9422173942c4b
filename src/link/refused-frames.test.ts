import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenId, tokenIds } from '../core/token-id.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import { decodeFromDevice, decodeFromHub, encode } from './codec.ts';
import { type LinkLimits, linkLimits, RUN_LENGTH_MAX } from './limits.ts';
import type {
  AnswerMessage,
  ErrorMessage,
  LinkMessage,
  OpenMessage,
  TransmitMessage,
  WriteMessage,
} from './messages.ts';

const SIZE = 100;
const LIMITS = linkLimits(SIZE);
/** Where the sampling of an open frame begins, and what follows it without a logit bias. */
const SAMPLING_AT = 61;
const BIAS_AT = SAMPLING_AT + 64;
const FLAGS_AT = BIAS_AT + 2;
/** Where the ids of a transmission begin. */
const IDS_AT = 17;

const OPEN: OpenMessage = {
  type: 'open',
  requestId: '00'.repeat(16),
  vocabulary: { digest: '11'.repeat(32), size: SIZE },
  sampling: GREEDY,
  seed: 7,
  wantsLogprobs: false,
  noise: 'independent',
  promptLength: 2,
  text: tokenIds([1, 2, 3]),
};

const NONE: DraftDistribution = { kind: 'none' };
const TRANSMIT: TransmitMessage = {
  type: 'transmit',
  sequence: 1,
  epoch: 0,
  from: 3,
  unsynced: tokenIds([4]),
  draft: tokenId(6),
  distribution: NONE,
};

const WRITE: WriteMessage = {
  ...{ type: 'write', sequence: 1, epoch: 0, from: 3, unsynced: tokenIds([4, 5]), countMax: 9 },
};

/** Entries of 7 + 9 bits, so that each has two bytes of its own: id + level x 128. */
const LOSSLESS: DraftDistribution = {
  kind: 'compressed',
  compressed: {
    tokenIds: Uint32Array.of(6, 8),
    levels: Uint32Array.of(511, 5),
    bitCount: 9,
    rest: 'none',
  },
};
const COUNT_AT = IDS_AT + 2;
const ENTRIES_AT = COUNT_AT + 3;

const FULL: DraftDistribution = {
  kind: 'full',
  probabilities: new Float32Array(SIZE).fill(1 / SIZE),
};

const ANSWER: AnswerMessage = {
  type: 'answer',
  sequence: 1,
  position: 20,
  tokenId: tokenId(3),
  isAccepted: true,
  logprob: -1,
  computeMs: 12.5,
  waitedMs: 0.25,
  rowCount: 3,
  forwardCount: 1,
};
const ERROR: ErrorMessage = { type: 'error', sequence: 9, code: 'busy', message: 'abc' };

type Change = (view: DataView) => void;

function changed(message: LinkMessage, change: Change): Uint8Array {
  const frame = encode(message, SIZE);
  change(new DataView(frame.buffer));
  return frame;
}

function refusal(decode: () => unknown): PilotfishError {
  try {
    decode();
  } catch (error) {
    if (error instanceof PilotfishError) return error;
    throw error;
  }
  throw new Error('the frame was not refused');
}

const fromDevice = (bytes: Uint8Array, limits: LinkLimits = LIMITS): PilotfishError =>
  refusal(() => decodeFromDevice(bytes, limits));
const fromHub = (bytes: Uint8Array): PilotfishError => refusal(() => decodeFromHub(bytes, LIMITS));

function expectRefusal(error: PilotfishError, reason: string): void {
  expect(error.message).toBe(`The frame is invalid: ${reason}.`);
  expect(error.code).toBe('frame-invalid');
  expect(error.remedy).not.toBeNull();
  expect(Object.keys(error.fields)).toEqual(['field', 'value']);
}

const MESSAGES: readonly LinkMessage[] = [
  OPEN,
  { ...OPEN, sampling: { ...GREEDY, logitBias: { 4: -2 } } },
  TRANSMIT,
  { ...TRANSMIT, distribution: LOSSLESS },
  { ...TRANSMIT, distribution: FULL },
  WRITE,
  { type: 'resume', requestId: '00'.repeat(16), length: 1, epoch: 0 },
  { type: 'close', requestId: '00'.repeat(16) },
  { type: 'opened', requestId: '00'.repeat(16), length: 1 },
  ANSWER,
  { type: 'stopped', sequence: 5 },
  ERROR,
  { ...ERROR, sequence: null },
  { type: 'drain' },
];

const isFromDevice = ({ type }: LinkMessage): boolean =>
  ['open', 'transmit', 'write', 'resume', 'close'].includes(type);

describe('every frame', () => {
  it.each(MESSAGES)('is refused if it is cut anywhere, or too long: $type', (message) => {
    const refused = isFromDevice(message) ? fromDevice : fromHub;
    const frame = encode(message, SIZE);
    for (let length = 0; length < frame.length; length += 1) {
      const reason = refused(frame.subarray(0, length)).message;
      expect(reason).toContain(`length is ${length}, not long enough: it ends within`);
    }
    const longer = new Uint8Array(frame.length + 1);
    longer.set(frame);
    expectRefusal(refused(longer), `length is ${longer.length}, not ${frame.length} bytes`);
  });

  it.each(MESSAGES)('is refused by the side that sends it: $type', (message) => {
    const refused = isFromDevice(message) ? fromHub : fromDevice;
    expect(refused(encode(message, SIZE)).message).toMatch(/: type is \d+, not one of \d/);
  });

  it('is refused if its version or type is unknown', () => {
    const version = changed(TRANSMIT, (view) => view.setUint8(0, 0x22));
    expectRefusal(fromDevice(version), 'version is 2, not 1, which this program speaks');
    expect(fromDevice(version).fields).toEqual({ field: 'version', value: 2 });
    const type = changed(TRANSMIT, (view) => view.setUint8(0, 0x10));
    expectRefusal(fromDevice(type), 'type is 0, not one of 1, 2, 3, 4, 5');
    expectRefusal(fromHub(type), 'type is 0, not one of 8, 9, 10, 11, 12');
  });

  it('is refused above the limit of its bytes', () => {
    const limits = { ...LIMITS, frameByteCountMax: 18 };
    expectRefusal(fromDevice(encode(TRANSMIT, SIZE), limits), 'length is 19, not at most 18 bytes');
  });
});

describe('an open frame', () => {
  const doubles = [
    ['seed', SAMPLING_AT - 8, 'a safe integer', [0.5, 2 ** 53, -(2 ** 53)]],
    ['temperature', SAMPLING_AT, 'a number from 0 to 100', [-1, 101]],
    ['topK', SAMPLING_AT + 8, 'an integer from 0 up', [-1, 0.5, 2 ** 53]],
    ['topP', SAMPLING_AT + 16, 'a number above 0, at most 1', [0, 1.5]],
    ['minP', SAMPLING_AT + 24, 'a number from 0 up, below 1', [-0.1, 1]],
    ['repetitionPenalty', SAMPLING_AT + 32, 'a number above 0, at most 100', [0]],
    ['frequencyPenalty', SAMPLING_AT + 40, 'a number from -100 to 100', [-101]],
    ['presencePenalty', SAMPLING_AT + 48, 'a number from -100 to 100', [101]],
    ['penaltyWindow', SAMPLING_AT + 56, 'an integer from 0 up', [1.5]],
  ] as const;

  it.each(doubles)('has a %s in its range', (field, at, says, values) => {
    for (const value of values) {
      const frame = changed(OPEN, (view) => view.setFloat64(at, value, true));
      expectRefusal(fromDevice(frame), `${field} is ${value}, not ${says}`);
    }
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const frame = changed(OPEN, (view) => view.setFloat64(at, value, true));
      expectRefusal(fromDevice(frame), `${field} is ${value}, not a finite number`);
    }
  });

  const biased: OpenMessage = { ...OPEN, sampling: { ...GREEDY, logitBias: { 4: 1, 5: 2 } } };
  it.each<[string, LinkMessage, Change, string]>([
    [
      'too many biases',
      OPEN,
      (v) => v.setUint16(BIAS_AT, 1025, true),
      'biasCount is 1025, not an integer from 0 to 1024',
    ],
    [
      'a bias on a token outside',
      biased,
      (v) => v.setUint8(BIAS_AT + 2, 100),
      'logitBias is 100, not an integer from 0 to 99',
    ],
    [
      'a bias on a token twice',
      biased,
      (v) => v.setUint8(BIAS_AT + 13, 4),
      'logitBias is 4, not a token above 4',
    ],
    [
      'a bias out of its range',
      biased,
      (v) => v.setFloat64(BIAS_AT + 5, 1001, true),
      'logitBias is 1001, not a number from -1000 to 1000',
    ],
    [
      'a bias that is no number',
      biased,
      (v) => v.setFloat64(BIAS_AT + 5, Number.NaN, true),
      'logitBias is NaN, not a finite number',
    ],
    [
      'no vocabulary',
      OPEN,
      (v) => v.setUint32(49, 0, true),
      'vocabulary.size is 0, not at least 1',
    ],
    [
      'a vocabulary too large',
      OPEN,
      (v) => v.setUint32(49, 2 ** 24 + 1, true),
      'vocabulary.size is 16777217, not an integer from 0 to 16777216',
    ],
    [
      'unknown flags',
      OPEN,
      (v) => v.setUint8(FLAGS_AT, 4),
      'flags is 4, not an integer from 0 to 3',
    ],
    [
      'no prompt',
      OPEN,
      (v) => v.setUint32(FLAGS_AT + 1, 0, true),
      "promptLength is 0, not from 1 to the text's 3",
    ],
    [
      'a prompt beyond its text',
      OPEN,
      (v) => v.setUint32(FLAGS_AT + 1, 4, true),
      "promptLength is 4, not from 1 to the text's 3",
    ],
    [
      'a token outside the vocabulary',
      OPEN,
      (v) => v.setUint8(FLAGS_AT + 9, 100),
      'text is 100, not a token of the vocabulary of 100',
    ],
    [
      'bits after its last token',
      OPEN,
      (v) => v.setUint8(FLAGS_AT + 11, 0x20),
      'padding is 1, not 0',
    ],
  ])('is refused with %s', (_name, message, change, reason) => {
    expectRefusal(fromDevice(changed(message, change)), reason);
  });

  it('is refused with a text above the limit', () => {
    const limits = { ...LIMITS, textLengthMax: 2 };
    expectRefusal(
      fromDevice(encode(OPEN, SIZE), limits),
      'textLength is 3, not an integer from 0 to 2',
    );
  });
});

describe('a transmit frame', () => {
  const lossless: TransmitMessage = { ...TRANSMIT, distribution: LOSSLESS };
  const full: TransmitMessage = { ...TRANSMIT, distribution: FULL };
  const setEntry = (view: DataView, index: number, id: number, level: number): void =>
    view.setUint16(ENTRIES_AT + 2 * index, id + 128 * level, true);
  const setProbability = (view: DataView, id: number, value: number): void =>
    view.setFloat32(COUNT_AT + 4 * id, value, true);

  it.each<[string, LinkMessage, Change, string]>([
    [
      'a token outside',
      TRANSMIT,
      (v) => v.setUint8(IDS_AT, 100),
      'ids is 100, not a token of the vocabulary of 100',
    ],
    [
      'an unknown form',
      TRANSMIT,
      (v) => v.setUint8(13, 64),
      'form is 64, not an integer from 0 to 62',
    ],
    [
      'levels without entries',
      TRANSMIT,
      (v) => v.setUint8(13, 4),
      'form is 4, not one without bits of levels',
    ],
    [
      'levels of a full distribution',
      full,
      (v) => v.setUint8(13, 7),
      'form is 7, not one without bits of levels',
    ],
    ['no entries', lossless, (v) => v.setUint8(COUNT_AT, 0), 'keptCount is 0, not at least 1'],
    [
      'more entries than tokens',
      lossless,
      (v) => v.setUint8(COUNT_AT, 101),
      'keptCount is 101, not an integer from 0 to 100',
    ],
    [
      'an entry outside',
      lossless,
      (v) => setEntry(v, 1, 100, 5),
      'entries is 100, not a token of the vocabulary of 100',
    ],
    [
      'a token twice',
      lossless,
      (v) => setEntry(v, 1, 6, 5),
      'entries is 6, not a token that occurs once',
    ],
    ['a level of 0', lossless, (v) => setEntry(v, 1, 8, 0), 'levels is 0, not from 1 to 511'],
    [
      'a draft without an entry',
      lossless,
      (v) => setEntry(v, 0, 7, 9),
      'draft is 6, not a token that its distribution gives a probability',
    ],
    [
      'a probability below 0',
      full,
      (v) => setProbability(v, 2, -0.25),
      'probabilities is -0.25, not numbers from 0 up',
    ],
    [
      'a probability that is NaN',
      full,
      (v) => setProbability(v, 2, Number.NaN),
      'probabilities is NaN, not numbers from 0 up',
    ],
    [
      'an infinite probability',
      full,
      (v) => setProbability(v, 2, Number.POSITIVE_INFINITY),
      'sum of probabilities is Infinity, not 1',
    ],
    [
      'a draft of probability 0',
      {
        ...full,
        distribution: {
          kind: 'full',
          probabilities: FULL.probabilities.map((p, id) => (id === 6 ? 0 : id === 7 ? 2 * p : p)),
        },
      },
      () => {},
      'draft is 6, not a token that its distribution gives a probability',
    ],
  ])('is refused with %s', (_name, message, change, reason) => {
    expectRefusal(fromDevice(changed(message, change)), reason);
  });

  it('is refused if its probabilities do not sum to 1', () => {
    for (const sum of [0.995, 1 - 2e-6, 1 + 2e-6, 2]) {
      const frame = changed(full, (view) => setProbability(view, 3, sum - (SIZE - 1) / SIZE));
      expect(fromDevice(frame).message).toMatch(/: sum of probabilities is [\d.]+, not 1\.$/);
    }
  });

  it('is refused with more ids or entries than the limits allow', () => {
    expectRefusal(
      fromDevice(encode(TRANSMIT, SIZE), { ...LIMITS, textLengthMax: 0 }),
      'unsyncedCount is 1, not an integer from 0 to 0',
    );
    expectRefusal(
      fromDevice(encode(lossless, SIZE), { ...LIMITS, keptCountMax: 1 }),
      'keptCount is 2, not an integer from 0 to 1',
    );
  });

  it('allocates nothing for ids and entries that are not there', () => {
    const limits = { ...linkLimits(2 ** 24), textLengthMax: 2 ** 24 };
    const ids = encode(TRANSMIT, 2 ** 24);
    ids.fill(255, 14, 17);
    const entries = encode(lossless, 2 ** 24);
    entries.fill(255, IDS_AT + 6, IDS_AT + 9);
    const probabilities = encode(TRANSMIT, 2 ** 24);
    probabilities[13] = 3;
    // Each would take 64 MB or more; 3,000 of them would not end soon.
    for (let run = 0; run < 1000; run += 1) {
      expect(fromDevice(ids, limits).message).toContain('it ends within ids');
      expect(fromDevice(entries, limits).message).toContain('it ends within entries');
      expect(fromDevice(probabilities, limits).message).toContain('it ends within probabilities');
    }
  });
});

describe('a write frame', () => {
  it.each<[string, Change, string]>([
    [
      'more answers than a run may be ahead',
      (v) => v.setUint8(13, RUN_LENGTH_MAX + 1),
      `countMax is ${RUN_LENGTH_MAX + 1}, not an integer from 0 to ${RUN_LENGTH_MAX}`,
    ],
    [
      'a token outside',
      (v) => v.setUint8(IDS_AT, 100),
      'ids is 100, not a token of the vocabulary of 100',
    ],
    ['bits after its last token', (v) => v.setUint8(IDS_AT + 1, 0x80), 'padding is 2, not 0'],
  ])('is refused with %s', (_name, change, reason) => {
    expectRefusal(fromDevice(changed(WRITE, change)), reason);
  });

  it('is refused with more ids than the limits allow', () => {
    expectRefusal(
      fromDevice(encode(WRITE, SIZE), { ...LIMITS, textLengthMax: 1 }),
      'unsyncedCount is 2, not an integer from 0 to 1',
    );
  });
});

describe('a frame of a hub', () => {
  const setSingle =
    (at: number, value: number): Change =>
    (view) =>
      view.setFloat32(at, value, true);

  it.each<[string, LinkMessage, Change, string]>([
    [
      'a token outside',
      ANSWER,
      (v) => v.setUint8(10, 100),
      'tokenId is 100, not a token of the vocabulary of 100',
    ],
    ['unknown flags', ANSWER, (v) => v.setUint8(1, 7), 'flags is 7, not an integer from 0 to 3'],
    ['a negative time', ANSWER, setSingle(11, -1), 'computeMs is -1, not a number from 0 up'],
    [
      'a time that is NaN',
      ANSWER,
      setSingle(15, Number.NaN),
      'waitedMs is NaN, not a finite number',
    ],
    [
      'an infinite log-probability',
      ANSWER,
      setSingle(25, Number.NEGATIVE_INFINITY),
      'logprob is -Infinity, not a finite number',
    ],
    ['an unknown code', ERROR, (v) => v.setUint8(1, 9), 'code is 9, not an integer from 0 to 8'],
    [
      'a half sequence',
      ERROR,
      (v) => v.setUint8(2, 2),
      'hasSequence is 2, not an integer from 0 to 1',
    ],
    [
      'a text too long',
      ERROR,
      (v) => v.setUint16(7, 501, true),
      'messageByteCount is 501, not an integer from 0 to 500',
    ],
    ['a text that is not UTF-8', ERROR, (v) => v.setUint8(9, 0xff), 'message is not UTF-8'],
  ])('is refused with %s', (_name, message, change, reason) => {
    expectRefusal(fromHub(changed(message, change)), reason);
  });
});
