/** A hub that breaks the rules: the device says what is wrong, and serves its next request. */
import { describe, expect, it, vi } from 'vitest';
import { tokenId } from '../../src/core/token-id.ts';
import type { LinkPolicy } from '../../src/device/link-policy.ts';
import { UNREAD_BYTE_COUNT_MAX } from '../../src/hub/serve-connection.ts';
import { decodeFromHub, encode } from '../../src/link/codec.ts';
import type { FrameTransport } from '../../src/link/frame-transport.ts';
import { linkLimits } from '../../src/link/limits.ts';
import type { HubMessage } from '../../src/link/messages.ts';
import {
  type Ends,
  eventsOf,
  idsOf,
  inOneProcess,
  large,
  QUICK,
  TOKENS,
  World,
} from './hub-world.ts';

const SIZE = TOKENS.length;
const REQUEST = { strategy: 'hlm', sampling: { temperature: 1 }, seed: 2 } as const;

/** What a faulty hub does with a frame that it was about to send; null: it sends it. */
type Fault = (message: HubMessage, send: (frame: Uint8Array) => void) => boolean;

/** A link whose hub does something else with one frame. */
function faulty(fault: Fault): { link: (ends: Ends) => Ends; count: () => number } {
  let count = 0;
  const link = ([device, hub]: Ends): Ends => {
    const send = (frame: Uint8Array): void => hub.send(frame);
    const other: FrameTransport = {
      ...hub,
      send: (frame) => {
        const isDone = count === 0 && fault(decodeFromHub(frame, linkLimits(SIZE)), send);
        if (isDone) count += 1;
        else send(frame);
      },
    };
    return [device, other];
  };
  return { link, count: () => count };
}

const answerWith =
  (change: object): Fault =>
  (message, send) => {
    if (message.type !== 'answer') return false;
    send(encode({ ...message, ...change } as HubMessage, SIZE));
    return true;
  };

const bytesOfAnswer =
  (change: (frame: Uint8Array) => Uint8Array): Fault =>
  (message, send) => {
    if (message.type !== 'answer') return false;
    send(change(encode(message, SIZE)));
    return true;
  };

const withBytes = (frame: Uint8Array, at: number, bytes: readonly number[]): Uint8Array => {
  frame.set(bytes, at);
  return frame;
};

const NAN = [0, 0, 0xc0, 0x7f];

describe('an answer', () => {
  it.each<readonly [string, string, Fault]>([
    ['for a position that was not asked', 'position is 99', answerWith({ position: 99 })],
    ['for another transmission', 'sequence is 77', answerWith({ sequence: 77 })],
    ['that accepts another token', 'not the draft', answerWith({ isAccepted: true, tokenId: 7 })],
    ['of another version', 'version is 2', bytesOfAnswer((frame) => withBytes(frame, 0, [0x29]))],
    ['of a device', 'type is 2', bytesOfAnswer((frame) => withBytes(frame, 0, [0x12]))],
    ['that is cut', 'ends within', bytesOfAnswer((frame) => frame.slice(0, -1))],
    ['that is too long', 'not 25 bytes', bytesOfAnswer((frame) => Uint8Array.of(...frame, 0))],
    ['with a time that is no number', 'NaN', bytesOfAnswer((frame) => withBytes(frame, 11, NAN))],
    [
      'that is none',
      'type is 8',
      answerWith({ type: 'opened', requestId: '0'.repeat(32), length: 1 }),
    ],
  ])('%s ends the request by name', async (_, seen, fault) => {
    const { link, count } = faulty(fault);
    await using world = new World({ link });
    const failure = await eventsOf(world.engine, REQUEST).catch((error: unknown) => error);
    expect(count()).toBe(1);
    expect(failure).toMatchObject({ code: 'frame-invalid' });
    expect(String(failure)).toContain(seen.replace('type is 8', 'type is opened'));
    const next = await eventsOf(world.engine, REQUEST);
    expect(idsOf(next)).toEqual(idsOf(await inOneProcess(REQUEST)));
  });

  it('with a token outside the vocabulary cannot be read', async () => {
    // Ids of 8 tokens have three bits: all are tokens. Of 7 tokens, one is not.
    const frame = encode(
      {
        ...{ type: 'answer', sequence: 0, position: 0, tokenId: 7 as never, isAccepted: true },
        ...{ computeMs: 0, waitedMs: 0, rowCount: 0, forwardCount: 0, logprob: null },
      },
      SIZE,
    );
    expect(() => decodeFromHub(frame, linkLimits(SIZE - 1))).toThrow('tokenId is 7');
  });
});

describe('an answer in a run', () => {
  const RUN = { strategy: 'large', seed: 2, maxTokens: 30 } as const;

  /** Does something with the fourth answer. */
  const atFourth = (fault: Fault): Fault => {
    let count = 0;
    return (message, send) => {
      if (message.type === 'answer') count += 1;
      return count === 4 && fault(message, send);
    };
  };
  const instead = (...messages: readonly HubMessage[]): Fault =>
    atFourth((_, send) => {
      for (const message of messages) send(encode(message, SIZE));
      return true;
    });
  const twice: Fault = atFourth((message, send) => {
    for (let count = 0; count < 2; count += 1) send(encode(message, SIZE));
    return true;
  });

  it.each<readonly [string, string, Fault]>([
    ['for a position that was not asked', 'position is 99', atFourth(answerWith({ position: 99 }))],
    ['out of its order', 'sequence is 77', atFourth(answerWith({ sequence: 77 }))],
    ['that comes twice', 'sequence is 3, not 4', twice],
    ['that accepts a draft', 'isAccepted is 1', atFourth(answerWith({ isAccepted: true }))],
    [
      'that is none',
      'type is opened',
      instead({ type: 'opened', requestId: '0'.repeat(32), length: 1 }),
    ],
    ['that ends it elsewhere', 'sequence is 9, not 3', instead({ type: 'stopped', sequence: 9 })],
  ])('%s ends the request by name', async (_, seen, fault) => {
    const { link, count } = faulty(fault);
    await using world = new World({ link });
    const failure = await eventsOf(world.engine, RUN).catch((error: unknown) => error);
    expect(count()).toBe(1);
    expect(failure).toMatchObject({ code: 'frame-invalid' });
    expect(String(failure)).toContain(seen);
    expect(idsOf(await eventsOf(world.engine, RUN))).toEqual(idsOf(await inOneProcess(RUN)));
  });

  it('that does not come, as the hub says at once, ends the request by name', async () => {
    const { link } = faulty((message, send) => {
      if (message.type !== 'answer') return false;
      send(encode({ type: 'stopped', sequence: 0 }, SIZE));
      return true;
    });
    await using world = new World({ link });
    await expect(eventsOf(world.engine, RUN)).rejects.toMatchObject({
      code: 'frame-invalid',
      message: expect.stringContaining('type is stopped'),
    });
  });

  it('behind its end is not followed: the next request has another connection', async () => {
    const { link } = faulty((message, send) => {
      if (message.type !== 'stopped') return false;
      const answer = {
        sequence: 50,
        position: 50,
        tokenId: tokenId(1),
        isAccepted: false,
      } as const;
      const times = { computeMs: 0, waitedMs: 0, rowCount: 1, forwardCount: 1, logprob: null };
      send(encode(message, SIZE));
      for (let count = 0; count < 200; count += 1) {
        send(encode({ type: 'answer', ...answer, ...times }, SIZE));
      }
      return true;
    });
    await using world = new World({ link });
    for (let time = 1; time <= 2; time += 1) {
      const request = { ...RUN, maxTokens: 60 };
      expect(idsOf(await eventsOf(world.engine, request))).toEqual(
        idsOf(await inOneProcess(request)),
      );
      expect(world.connectionCount).toBe(time);
    }
  });

  it('that stalls is asked for again on another connection', async () => {
    const { link, count } = faulty(atFourth(() => true));
    await using world = new World({ link, policy: { ...QUICK, answerMs: 30 } });
    const events = await eventsOf(world.engine, { ...RUN, maxTokens: 4 });
    expect([count(), world.connectionCount]).toEqual([1, 2]);
    expect(idsOf(events)).toEqual(idsOf(await inOneProcess({ ...RUN, maxTokens: 4 })));
  });
});

describe('a hub', () => {
  it('that sends answers nobody asked for is not followed', async () => {
    const { link } = faulty((message, send) => {
      if (message.type !== 'opened') return false;
      const frame = encode(message, SIZE);
      for (let count = 0; count < 2000; count += 1) send(frame);
      return true;
    });
    await using world = new World({ link });
    await expect(eventsOf(world.engine, REQUEST)).rejects.toMatchObject({ code: 'frame-invalid' });
    const next = await eventsOf(world.engine, REQUEST);
    expect(idsOf(next)).toEqual(idsOf(await inOneProcess(REQUEST)));
  });

  it('that stalls is left after a while, and asked again on another connection', async () => {
    const { link, count } = faulty((message) => message.type === 'answer');
    await using world = new World({ link, policy: { ...QUICK, answerMs: 30 } });
    const events = await eventsOf(world.engine, REQUEST);
    expect(count()).toBe(1);
    expect(idsOf(events)).toEqual(idsOf(await inOneProcess(REQUEST)));
    expect(world.connectionCount).toBe(2);
  });

  it('that stalls for ever ends the request, which says so', async () => {
    const policy: LinkPolicy = { ...QUICK, answerMs: 20, patienceMs: 50 };
    const stalled = large({ onForward: () => new Promise(() => undefined) });
    const world = new World({ policy, largeModel: stalled });
    await expect(eventsOf(world.engine, REQUEST)).rejects.toMatchObject({
      code: 'hub-unreachable',
      message: expect.stringContaining('did not answer within'),
    });
    await world.engine.close();
  });

  it('with another vocabulary refuses the request', async () => {
    const tokens = TOKENS.map((token) => token.toUpperCase());
    await using world = new World({ largeModel: large({ tokens }) });
    await expect(eventsOf(world.engine, REQUEST)).rejects.toMatchObject({
      code: 'vocabulary-mismatch',
      message: expect.stringContaining('large has other tokens'),
    });
  });

  it('with fewer tokens is refused before any request', () => {
    const tokens = TOKENS.slice(0, -1);
    const model = large({ tokens, endOfGeneration: [], next: () => tokens.map(() => 1 / 7) });
    expect(() => new World({ largeModel: model })).toThrow(
      expect.objectContaining({ code: 'vocabulary-mismatch' }),
    );
  });

  it('that is full is waited for', async () => {
    await using world = new World({ hub: { limits: { requestCountMax: 1 } } });
    const both = [2, 3].map((seed) => ({ ...REQUEST, seed }));
    const all = await Promise.all(both.map((request) => eventsOf(world.engine, request)));
    for (const [at, events] of all.entries()) {
      expect(idsOf(events)).toEqual(idsOf(await inOneProcess(both[at] ?? REQUEST)));
    }
  });

  it('whose context is shorter ends the answer there', async () => {
    await using world = new World({ largeModel: large({ contextLength: 16 }) });
    const events = await eventsOf(world.engine, REQUEST);
    expect(events.at(-1)).toMatchObject({ type: 'summary', finishReason: 'context-limit' });
  });

  it('is not disturbed by a device that does not read', async () => {
    let buffered = 0;
    const link = ([device, hub]: Ends): Ends => {
      const slow: FrameTransport = {
        ...hub,
        get bufferedByteCount() {
          return buffered;
        },
      };
      return [device, slow];
    };
    await using world = new World({ link });
    buffered = UNREAD_BYTE_COUNT_MAX + 1;
    setTimeout(() => {
      buffered = 0;
    }, 30);
    const events = await eventsOf(world.engine, REQUEST);
    expect(idsOf(events)).toEqual(idsOf(await inOneProcess(REQUEST)));
    expect(world.connectionCount).toBeGreaterThan(1);
  });
});

describe('a clock of the day that jumps', () => {
  it('changes nothing, in either direction', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await using world = new World();
      const events = await eventsOf(world.engine, REQUEST, async (index) => {
        vi.setSystemTime(index % 2 === 0 ? 0 : 4e12);
        if (index === 5) await world.restart();
      });
      expect(idsOf(events)).toEqual(idsOf(await inOneProcess(REQUEST)));
    } finally {
      vi.useRealTimers();
    }
  });
});
