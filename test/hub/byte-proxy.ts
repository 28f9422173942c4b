/** A TCP proxy that counts bytes, and cuts connections at chosen ones. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ProxiedConnection {
  /** The connection to the hub: its counters are those of the device's socket. */
  readonly toHub: Socket;
  /** Bytes of the HTTP upgrade, which the first empty line ends. */
  upgradeUp: number;
  upgradeDown: number;
}

export interface ByteProxy extends AsyncDisposable {
  readonly url: string;
  readonly connections: readonly ProxiedConnection[];
}

/**
 * @param cuts bytes behind the upgrade, both ways together, after which the next connections are cut;
 *   further connections are not
 */
export async function byteProxy(port: number, cuts: readonly number[] = []): Promise<ByteProxy> {
  const connections: ProxiedConnection[] = [];
  const left = [...cuts];
  const server = createServer((device) => {
    const toHub = connect(port, '127.0.0.1');
    const connection = { toHub, upgradeUp: 0, upgradeDown: 0 };
    connections.push(connection);
    let bytesLeft = left.shift() ?? Number.POSITIVE_INFINITY;
    const end = (): void => {
      device.destroy();
      toHub.destroy();
    };
    const pass = (from: Socket, to: Socket, way: 'upgradeUp' | 'upgradeDown'): void => {
      from.on('data', (data: Buffer) => {
        let rest = data;
        if (connection[way] === 0) {
          connection[way] = data.indexOf('\r\n\r\n') + 4;
          to.write(data.subarray(0, connection[way]));
          rest = data.subarray(connection[way]);
        }
        to.write(rest.subarray(0, bytesLeft));
        bytesLeft -= rest.length;
        // What was written before the cut arrives.
        if (bytesLeft <= 0) to.end(end);
      });
      from.on('error', end);
      from.on('close', end);
    };
    pass(device, toHub, 'upgradeUp');
    pass(toHub, device, 'upgradeDown');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${own}`,
    connections,
    [Symbol.asyncDispose]: async () => {
      for (const { toHub } of connections) toHub.destroy();
      server.close();
    },
  };
}
