/** A hub by its messages alone: what it answers to devices, and to those that break the rules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenId, tokenIds } from '../../src/core/token-id.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { serveConnection } from '../../src/hub/serve-connection.ts';
import { decodeFromHub, encode } from '../../src/link/codec.ts';
import { anyDeviceMessage } from '../../src/link/fakes/any-message.ts';
import { linkLimits } from '../../src/link/limits.ts';
import { memoryTransports } from '../../src/link/memory-transport.ts';
import type { HubMessage, OpenMessage, TransmitMessage } from '../../src/link/messages.ts';
import { vocabularyDigest } from '../../src/vocabulary/vocabulary-digest.ts';
import { runs } from '../runs.ts';
import { Device, hubOf, idOf, open, SIZE, transmit, VOCABULARY, write } from './hub-device.ts';
import { large } from './hub-world.ts';

describe('a transmission', () => {
  it('that arrives twice is verified once and answered twice, also on another connection', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(open());
    device.connection.receive(transmit(7));
    const [answer] = await device.answers(1);
    device.connection.receive(transmit(7));
    expect((await device.answers(2))[1]).toEqual(answer);
    device.connection.end();
    const again = new Device(hub);
    again.connection.receive({ type: 'resume', requestId: idOf(1), length: 3, epoch: 0 });
    again.connection.receive(transmit(7));
    expect(await again.answers(1)).toEqual([answer]);
    expect(again.received[0]).toMatchObject({ type: 'opened', length: 4 });
    const { acceptedCount, rejectedCount } = hub.status;
    expect(acceptedCount + rejectedCount).toBe(1);
  });

  it('gets the same answer from a hub that was told the text anew', async () => {
    const asked = async (hub: Hub, opening: OpenMessage, sent: TransmitMessage) => {
      const device = new Device(hub);
      device.connection.receive(opening);
      device.connection.receive(sent);
      return (await device.answers(1))[0];
    };
    await using first = hubOf();
    await using second = hubOf();
    const unsynced = tokenIds([3, 4]);
    const one = await asked(first, open(), transmit(0, { unsynced }));
    const text = tokenIds([0, 1, 2, 3, 4]);
    const other = await asked(second, open(1, { text }), transmit(0, { from: 5 }));
    const { rowCount: _, forwardCount: __, ...verdict } = one ?? {};
    expect(other).toMatchObject(verdict);
  });

  it('of an earlier epoch, or older than the last, is ignored', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(open());
    device.connection.receive(transmit(5, { epoch: 2 }));
    const [{ isAccepted, position } = { isAccepted: false, position: 0 }] = await device.answers(1);
    const epoch = isAccepted ? 2 : 3;
    device.connection.receive(transmit(6, { epoch: 1, from: position + 1 }));
    device.connection.receive(transmit(4, { epoch }));
    device.connection.receive(transmit(7, { epoch, from: position + 1 }));
    const answers = await device.answers(2);
    expect(answers.map(({ sequence }) => sequence)).toEqual([5, 7]);
  });

  it('beyond the text, or before any request, is refused by its sequence', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(transmit(1));
    expect(device.last).toMatchObject({ code: 'session-unknown', sequence: 1 });
    device.connection.receive(open());
    device.connection.receive(transmit(2, { from: 4 }));
    await expect
      .poll(() => device.last)
      .toMatchObject({ code: 'position-unexpected', sequence: 2 });
    device.connection.receive(transmit(2));
    expect(await device.answers(1)).toHaveLength(1);
  });

  it('past the context is refused, and the request goes on', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(open());
    const unsynced = tokenIds(Array.from({ length: 61 }, () => 1));
    device.connection.receive(transmit(0, { unsynced }));
    await expect
      .poll(() => device.last, { interval: 1 })
      .toMatchObject({ code: 'context-full', sequence: 0 });
    device.connection.receive(transmit(1));
    expect(await device.answers(1)).toHaveLength(1);
  });

  it('is refused if too many wait, and the others are answered', async () => {
    await using hub = hubOf({ limits: { transmissionsInFlightMax: 2 } });
    const device = new Device(hub);
    device.connection.receive(open());
    for (const sequence of [0, 1, 2]) device.connection.receive(transmit(sequence, { epoch: 9 }));
    expect(device.last).toMatchObject({ code: 'busy', sequence: 2 });
    await device.answers(1);
  });

  it('that the model fails is refused without details, which the hub alone is told', async () => {
    const failures: unknown[] = [];
    let isBroken = true;
    const model = large({
      onForward: () => (isBroken ? Promise.reject(new Error('a path')) : Promise.resolve()),
    });
    await using hub = hubOf({ model, onFailure: (error) => failures.push(error) });
    const device = new Device(hub);
    device.connection.receive(open());
    device.connection.receive(transmit(0));
    await expect
      .poll(() => device.last, { interval: 1 })
      .toMatchObject({ code: 'internal', sequence: 0 });
    expect(JSON.stringify(device.last)).not.toContain('a path');
    expect(failures).toHaveLength(1);
    isBroken = false;
    device.connection.receive(transmit(0));
    expect(await device.answers(1)).toHaveLength(1);
  });
});

describe('the cells of a request', () => {
  it('are kept between transmissions: only what is new is read', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(open());
    device.connection.receive(transmit(0));
    device.connection.receive(transmit(1, { epoch: 9, from: 4, unsynced: tokenIds([3, 4]) }));
    const [first, second] = await device.answers(2);
    // The prompt; then the token of the first verdict and the two behind it.
    expect([first?.rowCount, second?.rowCount]).toEqual([3, 3]);
  });
});

describe('a request', () => {
  it('of another vocabulary is refused', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(open(1, { vocabulary: { ...VOCABULARY, digest: '1'.repeat(64) } }));
    expect(device.last).toMatchObject({ code: 'vocabulary-mismatch' });
    device.connection.receive(open(1, { vocabulary: { ...VOCABULARY, size: SIZE + 1 } }));
    expect(device.last).toMatchObject({ code: 'vocabulary-mismatch' });
  });

  it('of a smaller vocabulary with the same tokens is served', async () => {
    await using hub = hubOf();
    const size = SIZE - 1;
    const digest = vocabularyDigest(large().vocabulary, size);
    const device = new Device(hub);
    device.connection.receive(open(1, { vocabulary: { digest, size } }));
    device.connection.receive(transmit(0));
    expect((await device.answers(1))[0]?.tokenId).toBeLessThan(size);
    expect(device.connection.vocabularySize).toBe(size);
  });

  it('cannot be resumed, opened or closed by the device of another key', async () => {
    await using hub = hubOf();
    const [device, other] = [new Device(hub, 'key 1'), new Device(hub, 'key 2')];
    device.connection.receive(open());
    other.connection.receive({ type: 'resume', requestId: idOf(1), length: 3, epoch: 0 });
    expect(other.last).toMatchObject({ code: 'session-unknown' });
    other.connection.receive(open());
    expect(other.last).toMatchObject({ code: 'busy' });
    other.connection.receive({ type: 'close', requestId: idOf(1) });
    device.connection.receive(transmit(0));
    expect(await device.answers(1)).toHaveLength(1);
  });

  it('beyond the limits of the hub or the key is refused, unless lost ones can go', async () => {
    await using hub = hubOf({ limits: { requestCountMax: 3, requestsPerKeyMax: 2 } });
    const devices = [1, 2].map(() => new Device(hub, 'key 1'));
    for (const [at, device] of devices.entries()) device.connection.receive(open(at));
    const third = new Device(hub, 'key 1');
    third.connection.receive(open(2));
    expect(third.last).toMatchObject({ code: 'busy' });
    devices[0]?.connection.end();
    third.connection.receive(open(2));
    expect(third.last).toMatchObject({ type: 'opened' });
    const other = new Device(hub, 'key 2');
    other.connection.receive(open(3));
    const last = new Device(hub, 'key 2');
    last.connection.receive(open(4));
    expect(last.last).toMatchObject({ code: 'busy' });
  });

  it('whose device stays away is forgotten after a while', async () => {
    let nowMs = 0;
    await using hub = hubOf({ clock: { nowMs: () => nowMs } });
    const device = new Device(hub);
    device.connection.receive(open());
    device.connection.end();
    nowMs = hub.limits.resumeMs;
    hub.forgetLost();
    expect(hub.status.requestCount).toBe(1);
    nowMs += 1;
    hub.forgetLost();
    expect(hub.status.requestCount).toBe(0);
  });

  it('is not taken while the hub drains, and open ones go on', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(open());
    hub.drain();
    expect(device.last).toEqual({ type: 'drain' });
    expect(hub.isQuiet).toBe(false);
    device.connection.receive(transmit(0));
    await device.answers(1);
    device.connection.receive({ type: 'close', requestId: idOf(1) });
    expect(hub.isQuiet).toBe(true);
    device.connection.receive(open(2));
    expect(device.last).toMatchObject({ code: 'busy' });
  });
});

describe('many requests in a small cache', () => {
  it('lose their cells to each other, and their devices do not notice', async () => {
    // Two texts fit, and one more sequence for the prefix cache.
    const model = large({ cellCount: 140, sequenceCountMax: 3 });
    await using hub = hubOf({ model });
    await using roomy = hubOf({ model: large({ cellCount: 2048 }) });
    const verdictsOf = async (of: Hub, seed: number): Promise<unknown[]> => {
      const device = new Device(of);
      device.connection.receive(open(seed, { seed }));
      for (let round = 0; round < 12; round += 1) {
        device.connection.receive(transmit(round, { from: 3 + round, epoch: 99 + round }));
        await device.answers(round + 1);
      }
      device.connection.end();
      return (await device.answers(12)).map(({ tokenId: token, position }) => [token, position]);
    };
    const verdicts = (of: Hub): Promise<unknown> =>
      Promise.all(Array.from({ length: 6 }, (_, seed) => verdictsOf(of, seed)));
    expect(await verdicts(hub)).toEqual(await verdicts(roomy));
    expect(model.sequenceCount).toBeLessThanOrEqual(3);
  });
});

describe('frames that break the rules', () => {
  async function served(hub: Hub) {
    const [device, end] = memoryTransports();
    const serving = serveConnection(hub, end, 'one');
    const answers: HubMessage[] = [];
    const reading = (async () => {
      for await (const frame of device.frames) {
        answers.push(decodeFromHub(frame, linkLimits(SIZE)));
      }
    })();
    return { device, answers, ended: Promise.all([serving, reading]) };
  }

  it('are answered with their error, and the connection stays usable', async () => {
    await using hub = hubOf();
    const { device, answers } = await served(hub);
    const whole = encode(open(), SIZE);
    device.send(whole.slice(0, 40));
    device.send(Uint8Array.of(...whole, 0));
    device.send(Uint8Array.of(0x1f));
    device.send(whole);
    await expect.poll(() => answers.at(-1)?.type).toBe('opened');
    const codes = answers.map((answer) => (answer.type === 'error' ? answer.code : answer.type));
    expect(codes).toEqual(['frame-invalid', 'frame-invalid', 'frame-invalid', 'opened']);
  });

  it('close the connection if they are of another version, or too many', async () => {
    await using hub = hubOf({ limits: { invalidFrameCountMax: 2 } });
    const first = await served(hub);
    first.device.send(Uint8Array.of(0x21));
    await first.ended;
    expect(first.answers).toMatchObject([{ type: 'error', code: 'protocol-version' }]);
    const second = await served(hub);
    for (let count = 0; count < 5; count += 1) second.device.send(Uint8Array.of(0x10));
    await second.ended;
    expect(second.answers).toHaveLength(3);
    expect(hub.status.connectionCount).toBe(0);
  });

  it('or make no sense together never break the hub', async () => {
    const number = fc.nat({ max: 6 });
    const anySense = fc.oneof(
      anyDeviceMessage(SIZE),
      fc.record({ at: number, seed: number }).map(({ at, seed }) => open(at % 2, { seed })),
      fc
        .record({ sequence: number, epoch: number, from: number, draft: number })
        .map(({ sequence, draft, ...rest }) =>
          transmit(sequence, { ...rest, draft: tokenId(draft) }),
        ),
      fc
        .record({ sequence: number, epoch: number, from: number, countMax: fc.nat({ max: 12 }) })
        .map(({ sequence, ...rest }) => write(sequence, rest)),
      number.map((at) => ({
        ...{ type: 'resume' as const, requestId: idOf(at % 2), length: at, epoch: at },
      })),
      number.map((at) => ({ type: 'close' as const, requestId: idOf(at % 2) })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anySense, { maxLength: 40 }), async (messages) => {
        const failures: unknown[] = [];
        const hub = hubOf({ onFailure: (error) => failures.push(error) });
        const { device, ended } = await served(hub);
        for (const message of messages) device.send(encode(message, SIZE));
        const after = new Device(hub);
        after.connection.receive(open(99));
        after.connection.receive(transmit(0));
        await after.answers(1);
        device.close();
        await ended;
        after.connection.end();
        await hub[Symbol.asyncDispose]();
        await hub.checkIdle();
        expect(failures).toEqual([]);
      }),
      { numRuns: runs(20, 1000) },
    );
  });
});
