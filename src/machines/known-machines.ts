/**
 * Well-known machines by their data sheets, as predicted profiles. Bandwidths and peaks are public
 * figures with their sources, or derived as stated there. `efficiency` and `launchMs` are assumptions
 * of this project, the same for all machines of a kind, and not measured.
 */
import type { PredictedProfile } from './machine-profile.ts';

/** The rough share of bandwidth and peak that decoding and prefilling reach in practice. */
const EFFICIENCY = { gpu: 0.6, apple: 0.6, cpu: 0.5 };
/** A forward launches a few hundred kernels, at one or two microseconds each. */
const LAUNCH_MS = { gpu: 0.3, apple: 0.5, cpu: 0.1 };

interface DataSheet {
  readonly name: string;
  readonly title: string;
  readonly kind: keyof typeof EFFICIENCY;
  readonly gigabytesPerSecond: number;
  readonly teraflops: number;
  readonly source: string;
}

const DATA_SHEETS: readonly DataSheet[] = [
  {
    name: 'rtx-4090',
    title: 'NVIDIA GeForce RTX 4090',
    kind: 'gpu',
    gigabytesPerSecond: 1008,
    teraflops: 165.2,
    source:
      'NVIDIA Ada GPU Architecture white paper, appendix A: 1008 GB/s; 165.2 TFLOPS dense FP16 ' +
      'tensor with FP32 accumulate',
  },
  {
    name: 'a100-80gb',
    title: 'NVIDIA A100 SXM 80 GB',
    kind: 'gpu',
    gigabytesPerSecond: 2039,
    teraflops: 312,
    source: 'NVIDIA A100 data sheet: 2,039 GB/s; 312 TFLOPS dense BF16 tensor',
  },
  {
    name: 'h100-sxm',
    title: 'NVIDIA H100 SXM 80 GB',
    kind: 'gpu',
    gigabytesPerSecond: 3350,
    teraflops: 989,
    source:
      'NVIDIA H100 data sheet: 3.35 TB/s; 1,979 TFLOPS BF16 tensor with sparsity, half of it dense',
  },
  {
    name: 'm2-max',
    title: 'Apple M2 Max, 38-core GPU',
    kind: 'apple',
    gigabytesPerSecond: 400,
    teraflops: 13.6,
    source:
      'Apple: 400 GB/s. Peak derived, Apple gives none: 38 cores x 128 lanes x 2 x 1.4 GHz, FP32',
  },
  {
    name: 'm4-max',
    title: 'Apple M4 Max, 40-core GPU',
    kind: 'apple',
    gigabytesPerSecond: 546,
    teraflops: 18.4,
    source:
      'Apple: 546 GB/s. Peak derived, Apple gives none: 40 cores x 128 lanes x 2 x 1.8 GHz, FP32',
  },
  {
    name: 'laptop-cpu',
    title: 'laptop CPU: 8 Zen 4 cores, two channels of DDR5-5600',
    kind: 'cpu',
    gigabytesPerSecond: 89.6,
    teraflops: 1.0,
    source:
      'DDR5-5600 on 128 bits: 5600 MT/s x 16 B = 89.6 GB/s. Peak derived: 8 cores x 32 FP32 FLOP ' +
      'a cycle (two 256-bit multiply-adds) x 4 GHz',
  },
];

export const KNOWN_MACHINES: readonly PredictedProfile[] = DATA_SHEETS.map((sheet) => ({
  format: 'pilotfish-profile',
  version: 1,
  name: sheet.name,
  kind: 'predicted',
  roundTripMs: null,
  title: sheet.title,
  source: sheet.source,
  roofline: {
    bytesPerSecond: sheet.gigabytesPerSecond * 1e9,
    flopsPerSecond: sheet.teraflops * 1e12,
    efficiency: EFFICIENCY[sheet.kind],
    launchMs: LAUNCH_MS[sheet.kind],
  },
}));
