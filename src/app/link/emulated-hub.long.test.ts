/** A hub in a network namespace, where this machine allows one. */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { openNetworkNamespace } from '../../channel/emulation/network-namespace.ts';
import { PilotfishError } from '../../core/errors.ts';
import { openEmulatedHub } from './emulated-hub.ts';

const OPTIONS = {
  ...{ large: 'pocket-large', threadCount: 1, roundTripMs: 2, upRate: 1e8, downRate: 1e8 },
};
const PROGRAM = [process.execPath, '--import', 'tsx', 'src/cli/main.ts'];

const namespaces = async (): Promise<string | null> => {
  const opened = await openNetworkNamespace(null);
  if (typeof opened === 'string') return opened;
  await opened[Symbol.asyncDispose]();
  return null;
};

async function canConnect(url: string): Promise<boolean> {
  const { hostname: host, port } = new URL(url);
  const socket = connect({ host, port: Number(port) });
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}

it('is a process behind an interface, or says why not', async () => {
  const refusal = await namespaces();
  const asked = openEmulatedHub({ ...OPTIONS, way: 'namespace', program: PROGRAM });
  if (refusal !== null) {
    await expect(asked).rejects.toSatisfy(
      (error) => PilotfishError.isInstance(error) && error.message.includes(refusal),
    );
    return;
  }
  const hub = await asked;
  const before = (await hub.counts?.()) ?? expect.fail('a namespace has counts');
  expect(hub.key).toMatch(/^[0-9a-f]{32}$/);
  expect(hub.note).toMatch(/namespace/);
  const { port } = new URL(hub.url);
  // Nobody gets in without the key.
  const answer = await fetch(`http://${new URL(hub.url).host}/metrics`);
  expect([answer.status, Number(port) > 0]).toEqual([401, true]);
  const after = (await hub.counts?.()) ?? expect.fail('a namespace has counts');
  expect(after.up.packets).toBeGreaterThan(before.up.packets);
  expect(after.down.bytes).toBeGreaterThan(before.down.bytes);
  await hub[Symbol.asyncDispose]();
  expect(await canConnect(hub.url)).toBe(false);
});

it('that does not start gives its reason, and leaves nothing behind', async () => {
  if ((await namespaces()) !== null) return;
  const program = [process.execPath, '-e', 'console.error("no model"); process.exit(3)'];
  await expect(openEmulatedHub({ ...OPTIONS, way: 'auto', program })).rejects.toSatisfy(
    (error) =>
      PilotfishError.isInstance(error) && /The hub did not start: no model/.test(error.message),
  );
});

it('without a program is behind a relay in this process', async () => {
  const hub = await openEmulatedHub({ ...OPTIONS, way: 'auto' });
  expect([hub.key, hub.counts]).toEqual([null, null]);
  expect(await canConnect(hub.url)).toBe(true);
  await hub[Symbol.asyncDispose]();
  expect(await canConnect(hub.url)).toBe(false);
});
