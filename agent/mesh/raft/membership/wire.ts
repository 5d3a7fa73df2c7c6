/** The little of protobuf's wire format that a membership change needs: unsigned varints and byte strings. */
export interface WireField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

export function writeVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

export function writeVarintField(bytes: number[], number: number, value: number): void {
  writeVarint(bytes, number * 8);
  writeVarint(bytes, value);
}

export function writeBytesField(bytes: number[], number: number, value: ArrayLike<number>): void {
  writeVarint(bytes, number * 8 + 2);
  writeVarint(bytes, value.length);
  for (let at = 0; at < value.length; at++) bytes.push(value[at]!);
}

/** The fields in order; undefined when the bytes are cut short, hold another wire type or a number beyond 2^53 - 1. */
export function readFields(data: Uint8Array): WireField[] | undefined {
  const fields: WireField[] = [];
  let at = 0;
  const readVarint = (): number | undefined => {
    let value = 0;
    for (let scale = 1; at < data.length && scale <= 2 ** 49; scale *= 128) {
      const byte = data[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return Number.isSafeInteger(value) ? value : undefined;
    }
    return undefined;
  };
  while (at < data.length) {
    const tag = readVarint();
    const value = readVarint();
    if (tag === undefined || value === undefined) return undefined;
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push({ number, value });
    else if (tag % 8 === 2 && at + value <= data.length) {
      fields.push({ number, value: data.subarray(at, at + value) });
      at += value;
    } else return undefined;
  }
  return fields;
}
