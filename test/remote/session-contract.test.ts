/** The session contract on a model that a server has, over real sockets. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { FakeVllm } from '../../src/remote/fakes/fake-vllm.ts';
import { servedCapabilities } from '../../src/remote/served-capabilities.ts';
import { ServedModel } from '../../src/remote/served-model.ts';
import { ServerClient } from '../../src/remote/server-client.ts';
import { vllm } from '../../src/remote/vllm.ts';
import { SessionBench, type SessionSubject } from '../../src/testing/contracts/session-bench.ts';
import { sessionContract } from '../../src/testing/contracts/session-contract.ts';
import { END, Interference, next, scripted, TEXTS, TOKENS } from '../contracts/session-subjects.ts';

const { facts, vocabulary } = scripted(new Interference());
let interference = new Interference();
let openCount = 0;
const server = new FakeVllm({
  ...{ vocabulary, next },
  onCall: async ({ response }) => {
    openCount += 1;
    response.once('close', () => {
      openCount -= 1;
    });
    await interference.meet();
  },
});
let model: ServedModel;

beforeAll(async () => {
  const client = new ServerClient({ base: await server.listen() });
  const probed = { topCountMax: 20, isBeforeSampling: true, takesBatches: true };
  model = new ServedModel({
    ...{ client, dialect: vllm, servedName: 'fake', facts: { ...facts, name: 'fake' }, vocabulary },
    capabilities: servedCapabilities(probed),
  });
});

afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const subject: SessionSubject = {
  ...TEXTS,
  name: 'a model on a server',
  isRemote: true,
  hold: () => interference.hold(),
  // A failure of the server is another error here, and is tried again.
  failNext: null,
  open: ({ sampling, ...request }) =>
    model.openSession('fake', {
      ...{ ...request, promptLength: TEXTS.prompt.length },
      sampling: { vocabularySize: TOKENS.length, sampling, seed: 0 },
      isEndOfGeneration: (id) => id === END,
      tokenBytes: (id) => vocabulary.tokenBytes(id),
    }),
  checkIdle: async () => {
    // The server hears of a cancelled call a little later.
    for (let look = 0; look < 200 && openCount > 0; look += 1) {
      await new Promise((done) => setTimeout(done, 5));
    }
    if (openCount > 0) throw new Error('a call is still open');
  },
};

describe('a session of a model on a server', () => {
  for (const { name, run } of sessionContract(subject)) {
    it(name, async () => {
      interference = new Interference();
      await run(new SessionBench(subject));
    });
  }
});
