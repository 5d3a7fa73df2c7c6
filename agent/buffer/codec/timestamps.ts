import { assert } from '../../base/assert.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';
import { planIntegers, putIntegers, takeIntegers } from './integers.ts';

/** Event times in microseconds, and the nanoseconds beyond them: integers, usually of order 2 with a large common divisor. */
export function putTimes(out: BlockWriter, micros: Float64Array): void {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < micros.length; i++) {
    const time = micros[i]!;
    assert(Number.isSafeInteger(time), 'an event time is an integer');
    if (time < min) min = time;
    if (time > max) max = time;
  }
  const plan = planIntegers(micros);
  if (plan !== null) {
    out.common.uint8(0);
    putIntegers(out, plan);
    return;
  }
  // Years 1684 and 2255 in one block: halves lie close enough, and the lowest bits go beside them.
  out.common.uint8(1);
  putSafely(
    out,
    micros.map((time) => Math.floor(time / 2)),
  );
  putSafely(
    out,
    micros.map((time) => time - 2 * Math.floor(time / 2)),
  );
}

/** @throws {MalformedBytes} */
export function takeTimes(from: BlockReader, length: number): Float64Array {
  const way = from.common.uint8();
  if (way > 1) throw new MalformedBytes(`times kept in way ${way}`);
  const times = takeIntegers(from, length);
  if (way === 0) return times;
  const lowest = takeIntegers(from, length);
  for (let i = 0; i < length; i++) {
    times[i] = 2 * times[i]! + lowest[i]!;
    if (!Number.isSafeInteger(times[i])) throw new MalformedBytes('time beyond 2^53 - 1');
  }
  return times;
}

export function putNanos(out: BlockWriter, nanos: Uint16Array): void {
  putSafely(out, Float64Array.from(nanos));
}

/** @throws {MalformedBytes} */
export function takeNanos(from: BlockReader, length: number): Uint16Array {
  const values = takeIntegers(from, length);
  if (values.some((value) => value < 0 || value > 999)) throw new MalformedBytes('nanoseconds beyond 999');
  return Uint16Array.from(values);
}

function putSafely(out: BlockWriter, values: Float64Array): void {
  const plan = planIntegers(values);
  assert(plan !== null, 'the values lie within 2^53 of each other');
  putIntegers(out, plan);
}
