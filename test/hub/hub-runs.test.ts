/** Runs by messages alone: which tokens a hub writes, and where it stops. */
import { describe, expect, it } from 'vitest';
import { tokenId, tokenIds } from '../../src/core/token-id.ts';
import type { Hub } from '../../src/hub/hub.ts';
import type { AnswerMessage, WriteMessage } from '../../src/link/messages.ts';
import type { ForwardRequest } from '../../src/model/roles.ts';
import type { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { Device, hubOf, idOf, open, transmit, write } from './hub-device.ts';
import { END, large } from './hub-world.ts';

const PROMPT_LENGTH = 3;
/** With which answers do not end soon. */
const SEED = 10;

/** A model whose forwards wait until they are let through, one by one. */
class Gate {
  readonly model: ScriptedModel = large({
    contextLength: 512,
    cellCount: 4096,
    onForward: (request) => this.#wait(request),
  });
  startedCount = 0;
  readonly #waiting: (() => void)[] = [];
  #isOpen = false;

  async #wait({ tokens, outputFrom }: ForwardRequest): Promise<void> {
    // The prompt is read without waiting.
    if (outputFrom === tokens.length) return;
    this.startedCount += 1;
    if (this.#isOpen) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Lets the forward under way end. */
  async pass(): Promise<void> {
    await expect.poll(() => this.#waiting.length, { interval: 1 }).toBe(1);
    this.#waiting.shift()?.();
  }

  open(): void {
    this.#isOpen = true;
    this.#waiting.shift()?.();
  }
}

async function opened(hub: Hub, number = 1): Promise<Device> {
  const device = new Device(hub);
  device.connection.receive(open(number, { seed: SEED + number }));
  return device;
}

async function until(device: Device, type: 'stopped' | 'error'): Promise<void> {
  await expect.poll(() => device.last?.type, { interval: 1 }).toBe(type);
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

/** What the hub draws token by token, as long as it is asked for each. */
async function oneByOne(count: number, number = 1): Promise<AnswerMessage[]> {
  await using hub = hubOf({ model: large({ contextLength: 512, cellCount: 4096 }) });
  const device = await opened(hub, number);
  for (let at = 0; at < count; at += 1) {
    device.connection.receive(transmit(at, { from: PROMPT_LENGTH + at, epoch: 99 + at }));
    await device.answers(at + 1);
  }
  return await device.answers(count);
}

const ids = (answers: readonly AnswerMessage[]): number[] => answers.map((one) => one.tokenId);

describe('a run', () => {
  it('has the tokens that the hub draws one by one', async () => {
    await using hub = hubOf();
    const device = await opened(hub);
    device.connection.receive(write(5, { countMax: 9 }));
    const answers = await device.answers(9);
    await turn();
    expect(ids(answers)).toEqual(ids(await oneByOne(9)));
    expect(device.types).toEqual(['opened', ...answers.map(({ type }) => type)]);
    for (const [at, answer] of answers.entries()) {
      expect(answer).toMatchObject({ sequence: 5 + at, position: PROMPT_LENGTH + at });
      expect(answer).toMatchObject({ isAccepted: false, logprob: null });
      // The prompt; then one row each.
      expect(answer.rowCount).toBe(at === 0 ? PROMPT_LENGTH : 1);
    }
    expect(hub.status).toMatchObject({ writtenCount: 9, acceptedCount: 0, rejectedCount: 0 });
    expect(hub.status.rowCount).toBe(PROMPT_LENGTH + 8);
  });

  it('begins behind un-synced tokens, and gives log-probabilities if they are wanted', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    device.connection.receive(open(1, { wantsLogprobs: true }));
    device.connection.receive(write(0, { unsynced: tokenIds([4, 4]), countMax: 2 }));
    const answers = await device.answers(2);
    expect(answers.map(({ position }) => position)).toEqual([5, 6]);
    for (const { logprob } of answers) expect(logprob).toBeLessThan(0);
  });

  it('ends behind the end of the generation, and says so', async () => {
    await using hub = hubOf();
    const device = await opened(hub);
    device.connection.receive(write(0, { countMax: 100 }));
    await until(device, 'stopped');
    const answers = await device.answers(1);
    expect(ids(answers).indexOf(END)).toBe(answers.length - 1);
    expect(device.last).toEqual({ type: 'stopped', sequence: answers.length });
  });

  it('ends with its last answer, and then says nothing', async () => {
    await using hub = hubOf();
    const device = await opened(hub);
    device.connection.receive(write(0, { countMax: 2 }));
    await device.answers(2);
    await turn();
    expect(device.types).toEqual(['opened', 'answer', 'answer']);
    expect(hub.status.busyCount).toBe(0);
  });

  it('past the context is refused there, and the request goes on', async () => {
    await using hub = hubOf({
      model: large({ contextLength: 10, cellCount: 64, endOfGeneration: [] }),
    });
    const device = await opened(hub);
    device.connection.receive(write(0, { countMax: 100 }));
    await until(device, 'error');
    const count = (await device.answers(1)).length;
    expect(device.last).toMatchObject({ code: 'context-full', sequence: count });
    expect(PROMPT_LENGTH + count).toBe(11);
    device.connection.receive(write(100, { from: 4, countMax: 1 }));
    expect((await device.answers(count + 1)).at(-1)).toMatchObject({ sequence: 100, position: 4 });
  });

  it('that the model fails is refused at its token, and the hub is told', async () => {
    let forwardCount = 0;
    const failures: unknown[] = [];
    const onForward = async (): Promise<void> => {
      forwardCount += 1;
      // The first only reads the prompt.
      if (forwardCount === 5) throw new Error('a path');
    };
    await using hub = hubOf({
      model: large({ onForward }),
      onFailure: (one) => failures.push(one),
    });
    const device = await opened(hub);
    device.connection.receive(write(0));
    await until(device, 'error');
    expect(device.last).toMatchObject({ code: 'internal', sequence: 3 });
    expect(failures).toHaveLength(1);
    device.connection.receive(write(8, { from: 6, countMax: 2 }));
    const answers = await device.answers(5);
    expect(ids(answers)).toEqual(ids(await oneByOne(5)));
    expect(device.types.filter((type) => type === 'stopped')).toEqual([]);
  });
});

describe('a run under way', () => {
  it('stops when its device says so, after the token under way', async () => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(write(0));
    await gate.pass();
    await device.answers(1);
    device.connection.receive(write(1, { from: 4, countMax: 0 }));
    device.connection.receive(write(1, { from: 4, countMax: 0 }));
    await gate.pass();
    await until(device, 'stopped');
    await turn();
    expect(device.types).toEqual(['opened', 'answer', 'answer', 'stopped']);
    expect(device.last).toEqual({ type: 'stopped', sequence: 2 });
    expect([gate.startedCount, hub.status.busyCount]).toEqual([2, 0]);
  });

  it('stops for a transmission, which is answered behind it', async () => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(write(0));
    await gate.pass();
    await device.answers(1);
    device.connection.receive(transmit(8, { from: 4, unsynced: tokenIds([6]) }));
    await gate.pass();
    await until(device, 'stopped');
    await gate.pass();
    const answers = await device.answers(3);
    expect(device.types).toEqual(['opened', 'answer', 'answer', 'stopped', 'answer']);
    expect(answers.map(({ sequence, position }) => [sequence, position])).toEqual([
      ...[
        [0, 3],
        [1, 4],
        [8, 5],
      ],
    ]);
    // Only the un-synced token was not read.
    expect(answers[2]?.rowCount).toBe(1);
  });

  it('stops for another run, of the text that the device tells', async () => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(write(0));
    await gate.pass();
    await device.answers(1);
    device.connection.receive(write(8, { unsynced: tokenIds([6]), countMax: 1 }));
    gate.open();
    await device.answers(3);
    expect(device.types).toEqual(['opened', 'answer', 'answer', 'stopped', 'answer']);
    expect(device.last).toMatchObject({ sequence: 8, position: 4 });
  });

  it('is stopped while it waits for its turn, and writes nothing', async () => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(transmit(0));
    device.connection.receive(write(1, { epoch: 1 }));
    device.connection.receive(write(1, { epoch: 1, countMax: 0 }));
    gate.open();
    await until(device, 'stopped');
    expect(device.types).toEqual(['opened', 'answer', 'stopped']);
    expect(device.last).toEqual({ type: 'stopped', sequence: 1 });
  });

  it.each([
    ['while it is written', 1],
    ['after its last answer', 2],
  ])('goes on if more is wanted %s', async (_, count) => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(write(0, { countMax: 2 }));
    for (let at = 0; at < count; at += 1) await gate.pass();
    await device.answers(count);
    await turn();
    device.connection.receive(write(1, { from: 4, countMax: 5 }));
    gate.open();
    expect(ids(await device.answers(6))).toEqual(ids(await oneByOne(6)));
    await turn();
    expect(device.types).toEqual(['opened', ...Array(6).fill('answer')]);
  });

  it('does not go on behind its end, or after it was stopped', async () => {
    await using hub = hubOf();
    const device = await opened(hub);
    device.connection.receive(write(0, { countMax: 100 }));
    await until(device, 'stopped');
    const { length } = device.received;
    device.connection.receive(write(2, { from: 5, countMax: 128 }));
    await turn();
    expect(device.received).toHaveLength(length);
  });

  it('ends with its connection, and nothing is written for nobody', async () => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(write(0));
    await gate.pass();
    await device.answers(1);
    device.connection.end();
    gate.open();
    await expect.poll(() => hub.status.busyCount).toBe(0);
    expect([gate.startedCount, device.types]).toEqual([2, ['opened', 'answer']]);
  });

  it('ends with its request, whose cells are free then', async () => {
    const gate = new Gate();
    const hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(write(0));
    await gate.pass();
    await device.answers(1);
    device.connection.receive({ type: 'close', requestId: idOf(1) });
    gate.open();
    await expect.poll(() => hub.status.requestCount).toBe(0);
    await hub[Symbol.asyncDispose]();
    await hub.checkIdle();
    expect([gate.startedCount, device.types]).toEqual([2, ['opened', 'answer']]);
  });

  it('lets others have its cells in between, and reads its text again', async () => {
    // One text fits, and its own tokens are the most of it.
    const model = large({
      contextLength: 256,
      cellCount: 256,
      endOfGeneration: [],
      rowCountMax: 64,
    });
    await using hub = hubOf({ model });
    const device = await opened(hub, 1);
    let before: number | null = null;
    const other = hub.connect('another', ({ type }) => {
      if (type === 'answer') before = device.received.length - 1;
    });
    other.receive(open(2));
    device.connection.receive(write(0, { countMax: 100 }));
    other.receive(transmit(0));
    expect(ids(await device.answers(100))).toEqual(
      ids(await written(write(0, { countMax: 100 }), 100)),
    );
    expect(before).toBe(32);
  });
});

/** A run alone on a hub. */
async function written(message: WriteMessage, count: number): Promise<AnswerMessage[]> {
  await using hub = hubOf({
    model: large({ contextLength: 512, cellCount: 512, endOfGeneration: [] }),
  });
  const device = await opened(hub);
  device.connection.receive(message);
  return await device.answers(count);
}

describe('answers that were lost', () => {
  it('come again from their first on, and the run goes on behind them', async () => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(write(0, { countMax: 12 }));
    for (let at = 0; at < 6; at += 1) await gate.pass();
    const first = await device.answers(6);
    device.connection.end();
    gate.open();
    // Two of them arrived.
    const again = new Device(hub);
    again.connection.receive({ type: 'resume', requestId: idOf(1), length: 5, epoch: 0 });
    again.connection.receive(write(2, { from: 5, countMax: 10 }));
    const answers = await again.answers(10);
    expect(answers.slice(0, 4)).toEqual(first.slice(2));
    expect([...first.slice(0, 2), ...answers].map(({ tokenId: id }) => id)).toEqual(
      ids(await oneByOne(12)),
    );
    // Each was computed once.
    expect(hub.status.writtenCount).toBe(12);
  });

  it('are computed again by a hub that has lost the request', async () => {
    await using hub = hubOf();
    const device = new Device(hub);
    const known = ids(await oneByOne(12));
    const text = tokenIds([0, 1, 2, ...known.slice(0, 5)]);
    device.connection.receive(open(1, { seed: SEED + 1, text }));
    device.connection.receive(write(5, { from: 8, countMax: 7 }));
    expect(ids(await device.answers(7))).toEqual(known.slice(5));
  });
});

describe('a device that comes back while its question is answered', () => {
  it.each([
    ['on another connection', false],
    ['on the same connection', true],
  ])('gets the answer once, %s', async (_, isSame) => {
    const gate = new Gate();
    await using hub = hubOf({ model: gate.model });
    const device = await opened(hub);
    device.connection.receive(transmit(7));
    await turn();
    const again = isSame ? device : new Device(hub);
    again.connection.receive({ type: 'resume', requestId: idOf(1), length: 3, epoch: 0 });
    again.connection.receive(transmit(7));
    gate.open();
    await again.answers(1);
    await turn();
    expect(again.types).toEqual(isSame ? ['opened', 'opened', 'answer'] : ['opened', 'answer']);
    expect(device.types.filter((type) => type === 'answer')).toHaveLength(isSame ? 1 : 0);
  });

  it('is heard after it gave up a question whose draft was rejected', async () => {
    await using hub = hubOf();
    const device = await opened(hub);
    const draft = tokenId((ids(await oneByOne(1))[0] ?? 0) === 0 ? 1 : 0);
    device.connection.receive(transmit(0, { draft }));
    await device.answers(1);
    device.connection.end();
    const again = new Device(hub);
    again.connection.receive({ type: 'resume', requestId: idOf(1), length: 3, epoch: 0 });
    again.connection.receive(transmit(1, { unsynced: tokenIds([4]) }));
    expect(await again.answers(1)).toMatchObject([{ sequence: 1, position: 4 }]);
  });

  it('is not answered what still comes on the connection that it left', async () => {
    await using hub = hubOf();
    const device = await opened(hub);
    const again = new Device(hub);
    again.connection.receive({ type: 'resume', requestId: idOf(1), length: 3, epoch: 0 });
    device.connection.receive(transmit(7, { draft: tokenId(1) }));
    again.connection.receive(transmit(7));
    await again.answers(1);
    await turn();
    expect([device.types, again.types]).toEqual([['opened'], ['opened', 'answer']]);
  });
});
