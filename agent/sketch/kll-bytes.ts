import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { expectBytes, parsing, type Parsed } from './fault.ts';
import { levelCapacities, type KllState } from './kll-levels.ts';
import { kllKMin, kllLevelsMax } from './limits.ts';
import { expectEnd, readUint16, readUint64, writeUint16, writeUint64 } from './wire.ts';

const family = 15;
const levelCapacityMin = 8;
const flagEmpty = 1;
const flagLevelZeroSorted = 2;
const flagSingle = 4;

export function writeKll(state: KllState): Uint8Array<ArrayBuffer> {
  const isShort = state.n <= 1;
  const start = state.levels[0]!;
  const items = state.items.subarray(start);
  const writer = new ByteWriter(32 + 4 * state.levels.length + 8 * items.length);
  writer.uint8(isShort ? 2 : 5);
  writer.uint8(state.n === 1 ? 2 : 1);
  writer.uint8(family);
  writer.uint8(state.n === 0 ? flagEmpty : state.n === 1 ? flagSingle : 0);
  writeUint16(writer, state.k);
  writer.uint8(levelCapacityMin);
  writer.uint8(0);
  if (state.n === 0) return writer.finish();
  const value = valueWriter(writer, state.precision);
  if (!isShort) {
    writeUint64(writer, state.n);
    writeUint16(writer, state.minK);
    writer.uint8(state.levels.length - 1);
    writer.uint8(0);
    for (let level = 0; level < state.levels.length - 1; level++) writer.uint32(state.levels[level]!);
    value(state.min);
    value(state.max);
  }
  // A double lies in memory as it is written: little-endian wherever this runs.
  if (state.precision === 'double')
    writer.raw(new Uint8Array(items.buffer, items.byteOffset, items.byteLength));
  else for (const item of items) value(item);
  return writer.finish();
}

function valueWriter(writer: ByteWriter, precision: KllState['precision']): (value: number) => void {
  if (precision === 'double') return (value) => writer.float64(value);
  const float = new Float32Array(1);
  const word = new Uint32Array(float.buffer);
  return (value) => {
    float[0] = value;
    writer.uint32(word[0]!);
  };
}

function valueReader(reader: ByteReader, precision: KllState['precision']): () => number {
  const float = new Float32Array(1);
  const word = new Uint32Array(float.buffer);
  return () => {
    if (precision === 'float') word[0] = reader.uint32();
    const value = precision === 'double' ? reader.float64() : float[0]!;
    expectBytes(value === value, 'a value is NaN');
    return value;
  };
}

/** The bytes do not say whether they hold floats or doubles; who reads them has to know. */
export function parseKll(bytes: Uint8Array, precision: KllState['precision']): Parsed<KllState> {
  return parsing('quantiles', () => {
    const reader = new ByteReader(bytes);
    const words = reader.uint8();
    const version = reader.uint8();
    expectBytes(reader.uint8() === family, 'not a KLL sketch');
    const flags = reader.uint8();
    const k = readUint16(reader);
    expectBytes(k >= kllKMin, `k is ${k}`);
    expectBytes(reader.uint8() === levelCapacityMin, 'least level capacity is not 8');
    expectBytes(reader.uint8() === 0, 'reserved byte is not zero');
    const isEmpty = (flags & flagEmpty) !== 0;
    const isSingle = (flags & flagSingle) !== 0;
    expectBytes(flags < 8 && !(isEmpty && isSingle), `flags are ${flags}`);
    expectBytes(words === (isEmpty || isSingle ? 2 : 5), `preamble of ${words} words`);
    expectBytes(version === (isSingle ? 2 : 1), `serial version is ${version}`);
    const read = valueReader(reader, precision);
    const state =
      isEmpty || isSingle
        ? readShort({ k, precision, values: isEmpty ? [] : [read()] })
        : readLevels(reader, { k, precision, read });
    expectEnd(reader);
    if ((flags & flagLevelZeroSorted) !== 0 && !isEmpty)
      expectBytes(isSorted(state.items, state.levels[0]!, state.levels[1]!), 'level 0 is not sorted');
    return state;
  });
}

function readShort(given: { k: number; precision: KllState['precision']; values: number[] }): KllState {
  const { k, precision, values } = given;
  const [capacity] = levelCapacities(k, 1) as [number];
  const items = new Float64Array(capacity);
  const start = capacity - values.length;
  items.set(values, start);
  const [value = 0] = values;
  return {
    k,
    minK: k,
    precision,
    n: values.length,
    min: value,
    max: value,
    items,
    levels: [start, capacity],
  };
}

function readLevels(
  reader: ByteReader,
  given: { k: number; precision: KllState['precision']; read: () => number },
): KllState {
  const { k, precision, read } = given;
  const n = readUint64(reader, 'n');
  const minK = readUint16(reader);
  const count = reader.uint8();
  expectBytes(reader.uint8() === 0, 'reserved byte is not zero');
  expectBytes(n >= 2 && minK >= kllKMin && minK <= k, 'n or least k is out of range');
  expectBytes(count >= 1 && count <= kllLevelsMax, `${count} levels`);
  let capacity = 0;
  for (const one of levelCapacities(k, count)) capacity += one;
  const levels: number[] = [];
  for (let level = 0; level < count; level++) levels.push(reader.uint32());
  levels.push(capacity);
  let weight = 0;
  for (let level = 0; level < count; level++) {
    expectBytes(levels[level]! <= levels[level + 1]!, 'levels overlap');
    weight += (levels[level + 1]! - levels[level]!) * 2 ** level;
  }
  expectBytes(weight === n, `weights sum to ${weight} where n is ${n}`);
  const start = levels[0]!;
  const valueBytes = precision === 'double' ? 8 : 4;
  expectBytes(reader.remaining === (capacity - start + 2) * valueBytes, 'length does not fit the levels');
  const min = read();
  const max = read();
  const items = new Float64Array(capacity);
  for (let i = start; i < capacity; i++) {
    items[i] = read();
    expectBytes(items[i]! >= min && items[i]! <= max, 'a value is outside of min and max');
  }
  for (let level = 1; level < count; level++)
    expectBytes(isSorted(items, levels[level]!, levels[level + 1]!), `level ${level} is not sorted`);
  return { k, minK, precision, n, min, max, items, levels };
}

function isSorted(items: Float64Array, begin: number, end: number): boolean {
  for (let i = begin + 1; i < end; i++) if (items[i]! < items[i - 1]!) return false;
  return true;
}
