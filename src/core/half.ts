/**
 * Half precision (IEEE 754 binary16), the storage format for the features of rows and the weights
 * of heads. Rounds to the nearest value, ties to even, as the hardware does. The largest finite
 * value is 65,504.
 */

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** The 16 bits of the half-precision number nearest to `value`. */
export function halfBits(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // NaN stays NaN; too large values become infinite (65,520 is halfway to 65,536).
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | subnormalBits(Math.abs(FLOAT[0] as number));
  // Subtract 112 from the exponent and drop 13 bits of the fraction. A carry runs correctly into
  // the exponent.
  const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
  return sign | (rounded >>> 13);
}

/** Below 2^-14 halves are multiples of 2^-24. */
function subnormalBits(magnitude: number): number {
  const units = magnitude * 2 ** 24;
  const floor = Math.floor(units);
  const rest = units - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  return floor + Number(up);
}

let table: Float32Array | null = null;

/**
 * All 65,536 values, indexed by their bits: a lookup is the fastest conversion. Callers must not
 * change it.
 */
export function halfValues(): Float32Array {
  if (table !== null) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits += 1) table[bits] = computed(bits);
  return table;
}

function computed(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The bits of all `values`. */
export function toHalf(numbers: Float32Array): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  for (let index = 0; index < numbers.length; index += 1) {
    halves[index] = halfBits(numbers[index] as number);
  }
  return halves;
}

/** The numbers that the bits represent. */
export function fromHalf(halves: Uint16Array): Float32Array {
  const known = halfValues();
  const numbers = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index += 1) {
    numbers[index] = known[halves[index] as number] as number;
  }
  return numbers;
}

/** The half-precision number nearest to `value`. */
export function roundToHalf(value: number): number {
  return halfValues()[halfBits(value)] as number;
}
