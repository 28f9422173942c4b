/**
 * AdamW (Loshchilov & Hutter, 2019): Adam with weight decay apart from the gradient. Biases and batch
 * norm do not decay. Each step computes the same as a step of PyTorch's AdamW.
 */
import type { Parameter } from './layer.ts';

export interface OptimiserSettings {
  readonly rate: number;
  /** A step takes rate x weightDecay off each weight. */
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const DEFAULT_OPTIMISER: OptimiserSettings = {
  rate: 1e-3,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
};

/** A parameter with its running means of gradients and of their squares. */
export interface Moments {
  readonly parameter: Parameter;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export function zeroMoments(parameter: Parameter): Moments {
  const { length } = parameter.values;
  return { parameter, first: new Float32Array(length), second: new Float32Array(length) };
}

/** Moves a parameter by its gradients. @param step counts from 1 */
export function adamwStep(moments: Moments, settings: OptimiserSettings, step: number): void {
  const { values, gradients, decays } = moments.parameter;
  const { first, second } = moments;
  const { rate, weightDecay, beta1, beta2, epsilon } = settings;
  const keep = decays ? 1 - rate * weightDecay : 1;
  const stepSize = rate / (1 - beta1 ** step);
  const widen = 1 / Math.sqrt(1 - beta2 ** step);
  for (let at = 0; at < values.length; at += 1) {
    const gradient = gradients[at] as number;
    const mean = beta1 * (first[at] as number) + (1 - beta1) * gradient;
    const square = beta2 * (second[at] as number) + (1 - beta2) * gradient * gradient;
    first[at] = mean;
    second[at] = square;
    const step = (stepSize * mean) / (Math.sqrt(square) * widen + epsilon);
    values[at] = keep * (values[at] as number) - step;
  }
}
