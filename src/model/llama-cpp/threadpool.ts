/**
 * The compute threads, shared by all contexts of the process: one device, one pool. Without a pool
 * llama.cpp starts threads anew for every forward. If the system first puts one of them on a core
 * that is taken, the others spin for milliseconds (docs/LOG.md, 2026-11-22).
 *
 * Pools live as long as the process: contexts come and go, and a sleeping pool costs nothing.
 */
import type { Abi, Address } from './native-api.ts';

const pools = new Map<number, Address | null>();

/** Lets a context compute on the shared pool. Without a pool it keeps its own threads. */
export function attachThreadpool(abi: Abi, context: Address, threadCount: number): void {
  if (!pools.has(threadCount)) pools.set(threadCount, abi.threadpoolNew(threadCount));
  const pool = pools.get(threadCount) ?? null;
  if (pool !== null && pool !== 0n) abi.threadpoolAttach(context, pool, pool);
}
