import { describe, expect, it } from 'vitest';
import { scriptedStart, tokenOf, workOf } from './fakes/run-events.ts';
import { messageBytes } from './message-bytes.ts';
import { recordedExchange } from './recorded-exchange.ts';

const BYTES = messageBytes(32_000, { kind: 'none' });
const ANSWER = BYTES.answer();

describe('the exchange of a recorded run', () => {
  it('has a call for each token that the large model was asked about, with the ids since the last', () => {
    const { opening, turns, isStreamed } = recordedExchange(
      [
        scriptedStart(100),
        workOf('small', 'prefill', 50, { outputRowCount: 0 }),
        workOf('small', 'draft', 4),
        tokenOf(0, 56),
        workOf('small', 'draft', 4),
        tokenOf(1, 61),
        workOf('small', 'draft', 4),
        workOf('large', 'prefill', 200, { outputRowCount: 0 }),
        workOf('large', 'catch-up', 3, { outputRowCount: 0 }),
        workOf('large', 'verify', 8),
        tokenOf(2, 280, { verified: true }),
        workOf('small', 'draft', 4),
        workOf('large', 'verify', 9),
        tokenOf(3, 294),
      ],
      BYTES,
    );
    expect(isStreamed).toBe(false);
    expect(opening).toEqual({
      deviceMs: 50,
      call: { upBytes: BYTES.open(100), hubMs: 200, downBytes: BYTES.opened(), isAccepted: true },
    });
    expect(turns).toEqual([
      { deviceMs: 6, call: null },
      { deviceMs: 5, call: null },
      {
        deviceMs: 8,
        call: { upBytes: BYTES.transmit(2), hubMs: 11, downBytes: ANSWER, isAccepted: true },
      },
      {
        deviceMs: 5,
        call: { upBytes: BYTES.transmit(0), hubMs: 9, downBytes: ANSWER, isAccepted: false },
      },
    ]);
  });

  it('of a large model alone is a stream that the hub writes', () => {
    const { opening, turns, isStreamed } = recordedExchange(
      [
        scriptedStart(100),
        workOf('large', 'prefill', 200, { outputRowCount: 0 }),
        workOf('large', 'correct', 8),
        tokenOf(0, 210),
        workOf('large', 'correct', 8),
        tokenOf(1, 219),
      ],
      BYTES,
    );
    expect(isStreamed).toBe(true);
    expect(opening).toMatchObject({ deviceMs: 0, call: { hubMs: 200 } });
    expect(turns).toEqual([
      {
        deviceMs: 0,
        call: { upBytes: BYTES.write(), hubMs: 10, downBytes: ANSWER, isAccepted: false },
      },
      { deviceMs: 0, call: { upBytes: 0, hubMs: 9, downBytes: ANSWER, isAccepted: false } },
    ]);
  });

  it('of a small model alone has no hub', () => {
    const events = [scriptedStart(100), workOf('small', 'draft', 4), tokenOf(0, 5)];
    expect(recordedExchange(events, BYTES)).toEqual({
      opening: { deviceMs: 0, call: null },
      turns: [{ deviceMs: 5, call: null }],
      isStreamed: false,
      aheadCount: 0,
    });
  });

  it('gives the work of a round with several tokens to the first', () => {
    const events = [
      scriptedStart(1),
      workOf('small', 'draft', 4),
      workOf('large', 'verify', 10),
      tokenOf(0, 16),
      tokenOf(1, 16),
    ];
    expect(recordedExchange(events, BYTES).turns).toEqual([
      {
        deviceMs: 6,
        call: { upBytes: BYTES.transmit(0), hubMs: 10, downBytes: ANSWER, isAccepted: false },
      },
      { deviceMs: 0, call: null },
    ]);
  });
});
