/** A hub with a scripted model as a process of its own. Prints its port. */
import { Hub } from '../../src/hub/hub.ts';
import { startHubServer } from '../../src/hub/hub-server.ts';
import { DIGEST, large } from './hub-world.ts';

const hub = new Hub({ model: large({ cellCount: 512 }), digest: DIGEST });
const server = await startHubServer({
  ...{ hub, host: '127.0.0.1', port: Number(process.argv[2] ?? 0), keys: [], deviceCountMax: 32 },
  onFailure: (error) => process.stderr.write(`${String(error)}\n`),
});
process.stdout.write(`${new URL(server.url).port}\n`);
