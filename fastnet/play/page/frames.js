/** Decodes the server's binary frames. */

const TYPES = { f4: Float32Array, u1: Uint8Array, i1: Int8Array };
const text = new TextDecoder();

/**
 * @typedef {object} Frame
 * @property {object} header Header of the message.
 * @property {Object<string, Float32Array|Uint8Array|Int8Array>} arrays Arrays by name, which share the frame's memory.
 * @property {Object<string, number[]>} shapes Shapes of the arrays, by name.
 */

/**
 * Decode a frame: four bytes with the header's length, a header in JSON, and arrays. Each array begins at a multiple of
 * four bytes.
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(text.decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  const shapes = {};
  let offset = padded(4 + length);
  for (const { name, shape, type } of header.arrays ?? []) {
    const Values = TYPES[type];
    const n = shape.reduce((product, size) => product * size, 1);
    arrays[name] = new Values(buffer, offset, n);
    shapes[name] = shape;
    offset = padded(offset + n * Values.BYTES_PER_ELEMENT);
  }
  return { header, arrays, shapes };
}

/** @param {number} n @returns {number} The next multiple of 4. */
const padded = (n) => (n + 3) & ~3;
