/** The wire formats of the engines that take token ids. */
import type { Dialect } from './dialect.ts';
import { llamaServer } from './llama-server.ts';
import type { ServerKind } from './server-address.ts';
import { sglang } from './sglang.ts';
import { vllm } from './vllm.ts';

export type TokenServerKind = Exclude<ServerKind, 'openai'>;

export const TOKEN_DIALECTS: Readonly<Record<TokenServerKind, Dialect>> = {
  vllm,
  sglang,
  'llama-server': llamaServer,
};
