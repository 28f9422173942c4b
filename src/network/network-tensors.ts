/** The numbers of a network by name. */

/**
 * The tensors by name, for hidden layer and output i = 0, 1, …:
 *
 *    input.mean, input.factor       [inputSize] of the standardisation (x - mean) · factor
 *    i.weight                       [outputs x inputs]
 *    i.bias                         [outputs], if no batch norm follows
 *    i.norm.weight, i.norm.bias     [outputs] scale and shift of batch norm
 *    i.norm.mean, i.norm.variance   [outputs] its running statistics
 */
export type NetworkTensors = Readonly<Record<string, Float32Array>>;
