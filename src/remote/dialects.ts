/** The wire formats of the engines that take token ids. */
import type { Dialect } from './dialect.ts';
import { llamaServer } from './llama-server.ts';
import type { ServerKind } from './server-address.ts';
import { vllm } from './vllm.ts';

export const DIALECTS: Readonly<Record<ServerKind, Dialect>> = {
  vllm,
  sglang: vllm,
  'llama-server': llamaServer,
  openai: vllm,
};
