/**
 * The shapes of networks that are trained here: multilayer perceptrons with one output, a logit.
 *
 *   standardise → { linear → [batch norm → ReLU] → dropout } for each hidden layer → linear → logit
 */
import { PilotfishError } from '../core/errors.ts';

export interface HiddenLayer {
  readonly size: number;
  /** Whether batch normalisation and a ReLU follow the layer; otherwise it stays linear. */
  readonly activation: boolean;
}

export interface NetworkShape {
  readonly inputSize: number;
  readonly hidden: readonly HiddenLayer[];
  /** The share of each hidden layer's outputs that is dropped in training, in [0, 1). */
  readonly dropout: number;
}

/** The default width of a router's hidden layer. */
const ROUTER_WIDTH = 256;
const DROPOUT = 0.1;
const SIZE_MAX = 65536;
const HIDDEN_COUNT_MAX = 16;

/** A network with one hidden layer. */
export function routerShape(inputSize: number, width: number = ROUTER_WIDTH): NetworkShape {
  return { inputSize, hidden: [{ size: width, activation: true }], dropout: DROPOUT };
}

/**
 * The network of the CITER paper: H → 2H (batch norm, ReLU) → H → 1, with dropout after both hidden
 * layers.
 */
export function citerPaperShape(inputSize: number): NetworkShape {
  const hidden = [
    { size: 2 * inputSize, activation: true },
    { size: inputSize, activation: false },
  ];
  return { inputSize, hidden, dropout: DROPOUT };
}

/** The sizes between layers: input, hidden layers, 1. */
export function layerSizes({ inputSize, hidden }: NetworkShape): number[] {
  return [inputSize, ...hidden.map(({ size }) => size), 1];
}

/** @throws PilotfishError `option-invalid` */
export function checkShape(shape: NetworkShape): void {
  const { hidden, dropout } = shape;
  const wrong = layerSizes(shape).find(
    (size) => !Number.isInteger(size) || size < 1 || size > SIZE_MAX,
  );
  if (wrong !== undefined) throw invalid(`A layer of a network cannot have ${wrong} units.`);
  if (hidden.length > HIDDEN_COUNT_MAX)
    throw invalid(`${hidden.length} hidden layers are too many.`);
  if (!(dropout >= 0 && dropout < 1)) throw invalid(`A dropout of ${dropout} is not in [0, 1).`);
}

function invalid(message: string): PilotfishError {
  const remedy = `Use 1 to ${SIZE_MAX} units a layer, and at most ${HIDDEN_COUNT_MAX} hidden layers.`;
  return new PilotfishError('option-invalid', message, { remedy });
}
