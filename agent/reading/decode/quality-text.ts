import { Quality, type Scalar } from '../batch.ts';

/**
 * A quality as devices write it: the three words in any case, a boolean, or an OPC UA status code (part 4 §7.39), whose upper
 * two bits tell the grade. What cannot be read is uncertain: the value is kept, and kept out of nothing it may be good for.
 */
export function qualityOf(value: Scalar): Quality {
  if (typeof value === 'boolean') return value ? Quality.good : Quality.bad;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) {
    const severity = Math.floor(value / 0x4000_0000);
    if (severity === 0) return Quality.good;
    return severity === 1 ? Quality.uncertain : Quality.bad;
  }
  if (typeof value === 'string' && value.length <= 16) {
    const word = value.toLowerCase();
    if (word === 'good') return Quality.good;
    if (word === 'bad') return Quality.bad;
  }
  return Quality.uncertain;
}
