import type { Batch, Column, Scalar } from '../../reading/batch.ts';
import type { CalibrateConfig } from '../stage-config.ts';
import type { Stage } from '../stage.ts';

/**
 * Maps one numeric field from raw to true value. Integers wider than a double's 53 bits lose what lies beyond; values that
 * are no numbers stay as they are. Drops nothing.
 */
export function calibrateStage(rule: string, config: CalibrateConfig): Stage {
  const curve =
    config.points === undefined
      ? linear(config.scale ?? 1, config.offset ?? 0)
      : piecewise(config.points, config.outside ?? 'clamp');
  return {
    rule,
    process(batch) {
      const at = batch.columns.findIndex((column) => column.name === config.field);
      if (at < 0) return { main: batch };
      const columns = [...batch.columns];
      columns[at] = mapColumn(columns[at]!, curve);
      return { main: { ...batch, columns } satisfies Batch };
    },
  };
}

/** The numbers of a column through `curve`; integers become doubles, what is no number stays. */
export function mapColumn(column: Column, curve: (value: number) => number): Column {
  switch (column.kind) {
    case 'number': {
      const { name, present, values } = column;
      const mapped = new Float64Array(values.length);
      for (let i = 0; i < values.length; i++) mapped[i] = curve(values[i]!);
      return { kind: 'number', name, values: blanked(mapped, present), present };
    }
    case 'bigint': {
      const { name, present, values } = column;
      const mapped = new Float64Array(values.length);
      for (let i = 0; i < values.length; i++) mapped[i] = curve(Number(values[i]));
      return { kind: 'number', name, values: blanked(mapped, present), present };
    }
    case 'mixed': {
      const { present } = column;
      const mapOne = (value: Scalar, row: number): Scalar =>
        (typeof value === 'number' || typeof value === 'bigint') && present?.[row] !== 0
          ? curve(Number(value))
          : value;
      return { ...column, values: column.values.map(mapOne) };
    }
    case 'boolean':
    case 'text':
    case 'bytes':
      return column;
  }
}

/** Slots without a value hold 0 by the contract of a column. */
function blanked(values: Float64Array, present: Uint8Array | null): Float64Array {
  if (present !== null) for (let i = 0; i < values.length; i++) if (present[i] === 0) values[i] = 0;
  return values;
}

/**
 * `value * scale + offset`, with scale and offset as decimal fractions where they are short ones: 215 at scale 0.1 gives 21.5 and
 * 3 gives 0.3, not 0.30000000000000004. The result is then the double nearest to the decimal one for any integer `value` with
 * |value * numerator| < 2^53, which is also what lets the block codec store it as an integer.
 */
export function linear(scale: number, offset: number): (value: number) => number {
  const plain = (value: number): number => value * scale + offset;
  for (let digits = 0; digits <= 9; digits++) {
    const unit = 10 ** digits;
    const numerator = Math.round(scale * unit);
    const shift = Math.round(offset * unit);
    if (numerator / unit !== scale || shift / unit !== offset) continue;
    if (Math.max(Math.abs(numerator), Math.abs(shift)) > 2 ** 40) break;
    return (value) => {
      const result = (value * numerator + shift) / unit;
      return Number.isFinite(result) ? result : plain(value);
    };
  }
  return plain;
}

/** Linear between points with ascending x; NaN stays NaN. */
export function piecewise(
  points: readonly (readonly [number, number])[],
  outside: 'clamp' | 'extrapolate',
): (value: number) => number {
  const x = Float64Array.from(points, (point) => point[0]);
  const y = Float64Array.from(points, (point) => point[1]);
  const last = x.length - 1;
  return (value) => {
    if (outside === 'clamp') {
      if (value <= x[0]!) return y[0]!;
      if (value >= x[last]!) return y[last]!;
    }
    // The segment that starts at the greatest x <= value, within 0 … last - 1.
    let low = 0;
    let high = last - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (x[middle]! <= value) low = middle;
      else high = middle - 1;
    }
    if (value === x[low]) return y[low]!;
    if (value === x[low + 1]) return y[low + 1]!;
    return y[low]! + ((value - x[low]!) / (x[low + 1]! - x[low]!)) * (y[low + 1]! - y[low]!);
  };
}
