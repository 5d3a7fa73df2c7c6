/** Primitives that get mixed up carry a brand; the unit is the type's name. */
declare const unit: unique symbol;
type Branded<T, Name extends string> = T & { readonly [unit]: Name };

/** Milliseconds, a span or a point on the monotonic clock. */
export type Millis = Branded<number, 'Millis'>;
/**
 * Microseconds since 1970-01-01T00:00:00Z, an integer with |t| <= 2^53 - 1 (years 1684 to 2255). Event times
 * are kept in this unit because it is the finest one a double holds exactly; the rest of a nanosecond
 * timestamp travels beside it.
 */
export type Micros = Branded<number, 'Micros'>;
/** Bytes, a count. */
export type ByteCount = Branded<number, 'ByteCount'>;

export const millis = (n: number): Millis => n as Millis;
export const micros = (n: number): Micros => n as Micros;
export const byteCount = (n: number): ByteCount => n as ByteCount;

export const second = millis(1_000);
export const minute = millis(60_000);
export const hour = millis(3_600_000);

export const KiB = 1024;
export const MiB = 1024 * 1024;
export const GiB = 1024 * 1024 * 1024;

/** Largest magnitude of an event time, in microseconds. */
export const timeMicrosLimit = Number.MAX_SAFE_INTEGER;
