/**
 * The operations of a pocket problem. Each one changes a small world (the things that each person
 * has), describes the change in a sentence and has a worked step.
 */
import type { Dice } from './dice.ts';
import * as phrases from './phrases.ts';

export interface World {
  readonly person: string;
  readonly things: string;
  readonly count: number;
}

export interface Bounds {
  /** The limit of every count. */
  readonly numberMax: number;
}

export interface Told {
  readonly world: World;
  readonly phrasings: phrases.Phrasings;
  /** The values of the phrasing's braces, besides person and things. */
  readonly fillers: Readonly<Record<string, string | number>>;
  readonly step: string;
}

export type OperationName =
  | 'add'
  | 'subtract'
  | 'halve'
  | 'multiply'
  | 'share'
  | 'pack'
  | 'friends';

/** @returns null where the world does not allow the operation */
export type Operation = (world: World, dice: Dice, bounds: Bounds) => Told | null;

const FACTOR_MAX = 5;
const DIVISOR_MAX = 9;

function otherPerson({ person }: World, dice: Dice): string {
  return dice.pick(phrases.NAMES.filter((name) => name !== person));
}

const add: Operation = (world, dice, { numberMax }) => {
  const { person, things, count } = world;
  if (count >= numberMax) return null;
  const k = dice.between(1, numberMax - count);
  const total = count + k;
  return {
    world: { ...world, count: total },
    phrasings: phrases.ADD,
    fillers: { Q: otherPerson(world, dice), k },
    step: `${person} has ${count} + ${k} = ${total} ${things}.`,
  };
};

const subtract: Operation = (world, dice) => {
  const { person, things, count } = world;
  if (count < 2) return null;
  const k = dice.between(1, count - 1);
  return {
    world: { ...world, count: count - k },
    phrasings: phrases.SUBTRACT,
    fillers: { Q: otherPerson(world, dice), k },
    step: `${person} has ${count} - ${k} = ${count - k} ${things}.`,
  };
};

const halve: Operation = (world, dice) => {
  const { person, things, count } = world;
  if (count < 2 || count % 2 !== 0) return null;
  return {
    world: { ...world, count: count / 2 },
    phrasings: phrases.HALVE,
    fillers: { Q: otherPerson(world, dice) },
    step: `${person} has ${count} / 2 = ${count / 2} ${things}.`,
  };
};

const multiply: Operation = (world, dice, { numberMax }) => {
  const { things, count } = world;
  const most = Math.min(FACTOR_MAX, Math.floor(numberMax / count));
  if (most < 2) return null;
  const k = dice.between(2, most);
  const person = otherPerson(world, dice);
  return {
    world: { ...world, person, count: count * k },
    phrasings: phrases.MULTIPLY,
    fillers: { Q: person, k },
    step: `${person} has ${count} * ${k} = ${count * k} ${things}.`,
  };
};

function divisors(count: number): readonly number[] {
  const all = Array.from({ length: DIVISOR_MAX - 1 }, (_, index) => index + 2);
  return all.filter((k) => k < count && count % k === 0);
}

const share: Operation = (world, dice) => {
  const { things, count } = world;
  const possible = divisors(count);
  if (possible.length === 0) return null;
  const k = dice.pick(possible);
  const person = otherPerson(world, dice);
  return {
    world: { ...world, person, count: count / k },
    phrasings: phrases.SHARE,
    fillers: { Q: person, k },
    step: `${person} gets ${count} / ${k} = ${count / k} ${things}.`,
  };
};

const pack: Operation = (world, dice) => {
  const { person, things, count } = world;
  const possible = divisors(count);
  if (possible.length === 0 || phrases.CONTAINERS.includes(things)) return null;
  const k = dice.pick(possible);
  const containers = dice.pick(phrases.CONTAINERS);
  return {
    world: { person, things: containers, count: count / k },
    phrasings: phrases.PACK,
    fillers: { C: containers, k },
    step: `${person} has ${count} / ${k} = ${count / k} ${containers}.`,
  };
};

const friends: Operation = (world, dice, { numberMax }) => {
  const { person, things, count } = world;
  const most = numberMax - count;
  if (most < 4) return null;
  const n = dice.between(2, Math.min(FACTOR_MAX, Math.floor(most / 2)));
  const k = dice.between(2, Math.min(DIVISOR_MAX, Math.floor(most / n)));
  const total = count + n * k;
  return {
    world: { ...world, count: total },
    phrasings: phrases.FRIENDS,
    fillers: { n, k },
    step: `The friends give ${n} * ${k} = ${n * k}. ${person} has ${count} + ${n * k} = ${total} ${things}.`,
  };
};

export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  add,
  subtract,
  halve,
  multiply,
  share,
  pack,
  friends,
};
