/** Routers as files (see head-file.ts). */
import { z } from 'zod';
import { TOP_LOGPROBS_MAX } from '../core/row-reads.ts';
import type { HeadFacts } from './head.ts';
import { decodeHead, encodeHead, type HeadFormat } from './head-file.ts';
import type { Router, RouterFacts } from './router.ts';
import { featureSize } from './router-features.ts';

/** The version of the format. */
export const ROUTER_VERSION = 2;

type OwnFacts = Omit<RouterFacts, keyof HeadFacts>;

const OWN_FACTS: z.ZodType<OwnFacts> = z.object({
  features: z.object({
    hidden: z.boolean(),
    topLogprobs: z.number().int().min(0).max(TOP_LOGPROBS_MAX),
    // Files from before this feature lack the field.
    tokenEmbedding: z.boolean().default(false),
  }),
  temperature: z.number().positive(),
});

export const ROUTER_FORMAT: HeadFormat<OwnFacts> = {
  name: 'pilotfish-router',
  noun: 'router',
  version: ROUTER_VERSION,
  firstVersionWithCuts: 2,
  facts: OWN_FACTS,
  inputSize: ({ features, hiddenSize }) => featureSize(features, hiddenSize),
};

/** @param router without its digest, which is the digest of the bytes */
export function encodeRouter(router: Omit<Router, 'digest'>): Uint8Array {
  return encodeHead(ROUTER_FORMAT, router);
}

/** @throws PilotfishError `head-invalid`, naming the fault */
export function decodeRouter(bytes: Uint8Array): Router {
  return decodeHead(ROUTER_FORMAT, bytes);
}
