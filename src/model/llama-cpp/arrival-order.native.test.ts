import { afterEach, describe, expect, it } from 'vitest';
import { ArrivalOrder } from './arrival-order.ts';
import { executorBench, takeViolations } from './fakes/fake-context.ts';

describe('ArrivalOrder', () => {
  it('gives later places to later arrivals', () => {
    const order = new ArrivalOrder();
    const first = order.placeOf({ sequence: 0, position: 0 }).number;
    expect(order.placeOf({ sequence: 1, position: 0 }).number).toBeGreaterThan(first);
    expect(order.placeOf({ sequence: 0, position: 1 }).number).toBeGreaterThan(first);
  });

  it('keeps the place of a text for its continuation, once', () => {
    const order = new ArrivalOrder();
    const place = order.placeOf({ sequence: 0, position: 0 }).number;
    order.placeOf({ sequence: 1, position: 0 });
    order.keep(0, 64, place);
    const kept = { number: place, isKept: true };
    expect(order.placeOf({ sequence: 0, position: 64 })).toEqual(kept);
    expect(order.placeOf({ sequence: 0, position: 64 })).toMatchObject({ isKept: false });
  });

  it('keeps no place for another text in the same sequence', () => {
    const order = new ArrivalOrder();
    const place = order.placeOf({ sequence: 0, position: 0 }).number;
    order.keep(0, 64, place);
    expect(order.placeOf({ sequence: 0, position: 0 }).number).toBeGreaterThan(place);
    expect(order.placeOf({ sequence: 0, position: 64 }).number).toBeGreaterThan(place);
  });
});

describe('prompts that come together', () => {
  afterEach(() => expect(takeViolations()).toEqual([]));

  it('are read one after the other, in order of arrival, for any number of forwards', async () => {
    const { ask, context } = executorBench();
    const read = async (sequence: number): Promise<void> => {
      await ask(sequence, 64, { outputs: 0 });
      await ask(sequence, 64, { outputs: 0 });
      await ask(sequence, 40, { outputs: 0 });
      await ask(sequence, 1);
    };
    await Promise.all([read(0), read(1)]);
    expect(context.decodes).toEqual([
      '0:64',
      '0:64',
      '0:40 1:24',
      '0:1',
      '1:40',
      '1:64',
      '1:40',
      '1:1',
    ]);
  });
});
