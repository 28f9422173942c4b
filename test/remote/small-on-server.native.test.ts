/** The small model on a server, and the large one here. */
import { expect, it } from 'vitest';
import { elsewhereRole } from '../../src/app/elsewhere/reach-elsewhere.ts';
import { checkElsewhere, worksElsewhere } from '../../src/app/elsewhere/reached-model.ts';
import { Engine } from '../../src/engine/engine.ts';
import { FakeVllm } from '../../src/remote/fakes/fake-vllm.ts';
import { servedCapabilities } from '../../src/remote/served-capabilities.ts';
import { ServedModel } from '../../src/remote/served-model.ts';
import { ServerClient } from '../../src/remote/server-client.ts';
import { vllm } from '../../src/remote/vllm.ts';
import { optionGroupsOf } from '../../src/strategy/method.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import { parseStrategy } from '../../src/strategy/strategy-value.ts';
import { expected, idsOf, local, run, SMALL, SPECULATIVE } from './remote-world.ts';

const PROBED = { topCountMax: 20, isBeforeSampling: true, takesBatches: true };
const CAPABILITIES = servedCapabilities(PROBED);
const PLACE = {
  ...({ role: 'small', capabilities: CAPABILITIES } as const),
  words: { place: 'with the server', model: 'its model' },
};

const WORKING = METHODS.filter((method) => worksElsewhere(method, {}, PLACE));
// Samples are drawn at a temperature, by the server.
const COMPARED = WORKING.filter((method) => !optionGroupsOf(method).includes('samples'));

it.each(COMPARED.map(({ name }) => name))('%s writes what a pair here writes', async (strategy) => {
  const { facts, vocabulary } = local('small');
  await using server = new FakeVllm({ vocabulary, next: SMALL });
  const client = new ServerClient({ base: await server.listen(), env: {} });
  const small = new ServedModel({
    ...{ client, dialect: vllm, servedName: 'fake', vocabulary, capabilities: CAPABILITIES },
    facts: { ...facts, name: 'far' },
  });
  const models = { small, large: local('large') };
  await using engine = new Engine({ models, speculative: SPECULATIVE });
  for (const seed of [1, 2]) {
    const request = { strategy, seed };
    expect(idsOf(await run(engine, request))).toEqual(await expected(request));
  }
  expect(server.counts.callCount).toBeGreaterThan(0);
});

it('strategies that read its whole distributions are refused by name', () => {
  const names = WORKING.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['small', 'random', 'random-query', 'speculative']));
  for (const name of ['margin', 'entropy', 'cascade']) {
    const refused = (): void => checkElsewhere([parseStrategy(name)], {}, PLACE);
    expect(refused).toThrow(expect.objectContaining({ code: 'capability-missing' }));
    expect(names).not.toContain(name);
  }
});

it('one model of a pair runs here', () => {
  const address = 'vllm:http://127.0.0.1:8000/m';
  expect(elsewhereRole({ small: address })).toBe('small');
  expect(elsewhereRole({ small: 'pocket-small', large: address })).toBe('large');
  expect(elsewhereRole({})).toBeNull();
  for (const other of [{ large: address }, { hub: { url: 'ws://127.0.0.1:1' } }]) {
    const both = (): unknown => elsewhereRole({ small: address, ...other });
    expect(both).toThrow(/Both models would run elsewhere/);
  }
});
