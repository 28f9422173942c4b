import { expect, it } from 'vitest';
import { type HubFacts, readHubFacts, writeHubFacts } from './hub-facts.ts';

const FACTS: HubFacts = {
  ...{ name: 'größer', digest: 'a'.repeat(64), parameterCounts: { body: 9, outputHead: 1 } },
  ...{ weightBytes: 10, kvBytesPerToken: 2, contextLength: 64, rowCountMax: 8 },
  ...{ vocabularySize: 5, endOfGenerationIds: [] },
};

it('the facts of a hub are read as they were written', () => {
  expect(readHubFacts(writeHubFacts(FACTS))).toEqual(FACTS);
});

it.each([
  [undefined, 'the header: '],
  ['%', 'the header: '],
  ['null', 'the header: '],
  [writeHubFacts({ ...FACTS, contextLength: 0 }), 'contextLength: '],
  [writeHubFacts({ ...FACTS, digest: 'A' }), 'digest: '],
])('a header that is none is refused, naming what is wrong: %s', (header, named) => {
  expect(() => readHubFacts(header)).toThrow(
    expect.objectContaining({
      code: 'hub-refused',
      message: expect.stringContaining(`as a hub does (${named}`),
    }),
  );
});
