/**
 * The phrases of pocket problems. Each kind of sentence has phrasings for training, and others of
 * the same words that appear only in the `templates` split. Braces are filled in: {P} the person
 * whose things are counted, {Q} another person, {T} the things, {C} containers, {n} {k} numbers.
 */

export interface Phrasings {
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
}

export const NAMES: readonly string[] = [
  ...['Ana', 'Ben', 'Cara', 'Dan', 'Eva', 'Finn', 'Gina', 'Hugo', 'Iris', 'Jon', 'Kim', 'Leo'],
  ...['Mia', 'Noah', 'Olga', 'Paul', 'Rosa', 'Sam', 'Tina', 'Uma', 'Vera', 'Will', 'Yara', 'Zoe'],
];

export const THINGS: readonly string[] = [
  ...['apples', 'books', 'cards', 'coins', 'eggs', 'flowers', 'marbles', 'pens', 'shells'],
  ...['stamps', 'stickers', 'stones', 'toys', 'tickets', 'beads', 'cups'],
];

export const CONTAINERS: readonly string[] = ['bags', 'boxes', 'jars', 'baskets'];

export const OPENING: Phrasings = {
  train: ['{P} has {n} {T}.', 'There are {n} {T} in the room of {P}.', '{P} found {n} {T}.'],
  heldOut: ['In the room of {P} there are {n} {T}.'],
};

export const ADD: Phrasings = {
  train: [
    '{P} buys {k} more.',
    '{Q} gives {P} {k} {T}.',
    'Then {P} finds {k} more {T}.',
    '{P} gets {k} more {T} from {Q}.',
  ],
  heldOut: ['Then {Q} gives {k} more {T} to {P}.', '{P} finds {k} more.'],
};

export const SUBTRACT: Phrasings = {
  train: [
    '{P} gives {k} {T} to {Q}.',
    '{P} loses {k} of them.',
    'Then {P} sells {k} {T}.',
    '{Q} takes {k} {T} away.',
  ],
  heldOut: ['Then {P} gives {k} of them to {Q}.', '{Q} takes {k} of the {T}.'],
};

export const HALVE: Phrasings = {
  train: ['{P} gives half of the {T} to {Q}.', 'Half of the {T} break.', '{P} sells half of them.'],
  heldOut: ['Then {P} loses half of the {T}.'],
};

export const MULTIPLY: Phrasings = {
  train: [
    '{Q} has {k} times as many {T} as {P}.',
    'The number of {T} that {Q} has is {k} times that of {P}.',
  ],
  heldOut: ['{Q} has {k} times the number of {T} that {P} has.'],
};

export const SHARE: Phrasings = {
  train: [
    '{P} shares all {T} equally among {k} friends, and {Q} is one of them.',
    '{P} gives all {T} to {k} friends, the same number to each. One friend is {Q}.',
  ],
  heldOut: ['{P} gives {k} friends all {T}, the same number to each, and {Q} is one of them.'],
};

export const PACK: Phrasings = {
  train: ['{P} packs the {T} into {C} of {k}.', '{P} puts the {T} into {C}, {k} in each.'],
  heldOut: ['Then {P} packs {k} {T} in each of the {C}.'],
};

export const FRIENDS: Phrasings = {
  train: [
    'Each of {n} friends gives {P} {k} {T}.',
    '{n} friends come, and each brings {P} {k} {T}.',
  ],
  heldOut: ['{P} gets {k} {T} from each of {n} friends.'],
};

export const IRRELEVANT: Phrasings = {
  train: [
    '{Q} is {n} years old.',
    'The shop is {n} minutes away.',
    '{Q} reads a book with {n} pages.',
    'It is {n} degrees outside.',
  ],
  heldOut: ['The shop of {Q} is {n} years old.'],
};

export const QUESTION: Phrasings = {
  train: ['How many {T} does {P} have now?', 'How many {T} are there for {P} in the end?'],
  heldOut: ['How many {T} has {P} in the end?'],
};

export const ALL_PHRASES: readonly string[] = [
  ...[OPENING, ADD, SUBTRACT, HALVE, MULTIPLY, SHARE, PACK, FRIENDS, IRRELEVANT, QUESTION],
].flatMap(({ train, heldOut }) => [...train, ...heldOut]);
