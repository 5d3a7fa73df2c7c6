import type { Batch, Column, Presence, Scalar } from '../../reading/batch.ts';

/** The values of one field of raw readings, by what can be done with them. */
export interface Field {
  readonly name: string;
  readonly numbers: Numbers | null;
  readonly texts: Texts | null;
  /** Where there is a byte string. */
  readonly blobs: Uint8Array | null;
}

export interface Numbers {
  readonly values: Float64Array;
  readonly present: Presence;
  readonly isBoolean: boolean;
}

export interface Texts {
  readonly values: readonly string[];
  readonly present: Presence;
  /** Of a column of nothing but texts: first and last are kept. */
  readonly alone: boolean;
}

export function fieldsOf(batch: Batch): Field[] {
  return batch.columns.map(fieldOf);
}

function fieldOf(column: Column): Field {
  const { name, present } = column;
  const none = { name, numbers: null, texts: null, blobs: null };
  switch (column.kind) {
    case 'number':
      return { ...none, numbers: { values: column.values, present, isBoolean: false } };
    case 'bigint':
      return {
        ...none,
        numbers: { values: Float64Array.from(column.values, Number), present, isBoolean: false },
      };
    case 'boolean':
      return { ...none, numbers: { values: Float64Array.from(column.values), present, isBoolean: true } };
    case 'text':
      return { ...none, texts: { values: column.values, present, alone: true } };
    case 'bytes':
      return { ...none, blobs: present ?? new Uint8Array(column.values.length).fill(1) };
    case 'mixed':
      return mixedField(column);
  }
}

function mixedField({ name, values, present }: Column & { kind: 'mixed' }): Field {
  const length = values.length;
  const numbers = new Float64Array(length);
  const isNumber = new Uint8Array(length);
  const texts: string[] = [];
  const isText = new Uint8Array(length);
  const isBlob = new Uint8Array(length);
  values.forEach((value: Scalar, row) => {
    texts.push('');
    if (present !== null && present[row] === 0) return;
    if (typeof value === 'string') {
      texts[row] = value;
      isText[row] = 1;
    } else if (value instanceof Uint8Array) isBlob[row] = 1;
    else {
      numbers[row] = Number(value);
      isNumber[row] = 1;
    }
  });
  return {
    name,
    numbers: isNumber.includes(1) ? { values: numbers, present: isNumber, isBoolean: false } : null,
    texts: isText.includes(1) ? { values: texts, present: isText, alone: false } : null,
    blobs: isBlob.includes(1) ? isBlob : null,
  };
}
