import { MalformedBytes } from '../base/byte-reader.ts';
import { SedgeError } from '../base/errors.ts';
import { fail, ok, type Result } from '../base/result.ts';

/** Every kind of sketch, by the name that configs, envelopes and errors use. */
export const sketchKinds = [
  'moments',
  'histogram',
  'quantiles',
  'distinct',
  'frequent',
  'theta',
  'reservoir',
  'projection',
  'directions',
  'counts',
] as const;
export type SketchKind = (typeof sketchKinds)[number];

/** Why bytes are no sketch: weather, since they come from disks and peers. */
export interface SketchFault {
  readonly kind: SketchKind | 'envelope';
  readonly message: string;
}

export type Parsed<T> = Result<T, SketchFault>;

/** Runs one parser; what it throws as {@link MalformedBytes} becomes a fault. Anything else is a bug and passes. */
export function parsing<T>(kind: SketchFault['kind'], parse: () => T): Parsed<T> {
  try {
    return ok(parse());
  } catch (error) {
    if (error instanceof MalformedBytes) return fail({ kind, message: error.message });
    throw error;
  }
}

/** Refuses bytes inside a parser. */
export function expectBytes(condition: boolean, message: string): asserts condition {
  if (!condition) throw new MalformedBytes(message);
}

/** Two sketches that must not become one: their parameters, seeds or shapes differ. */
export class SketchMismatch extends SedgeError {
  readonly kind: SketchKind;
  readonly parameter: string;

  constructor(
    kind: SketchKind,
    parameter: string,
    values: { ours: number | string; theirs: number | string },
  ) {
    super(
      'SEDGE_DATA_INVALID',
      `cannot merge two ${kind} sketches: ${parameter} is ${values.ours} here and ${values.theirs} there`,
      { hint: 'sketch both with the same parameters and seed' },
    );
    this.kind = kind;
    this.parameter = parameter;
  }
}

/** @throws {SketchMismatch} when the two values of one parameter differ. */
export function requireSame(
  kind: SketchKind,
  parameter: string,
  ours: number | string,
  theirs: number | string,
): void {
  if (ours !== theirs) throw new SketchMismatch(kind, parameter, { ours, theirs });
}

/** @throws {SedgeError} SEDGE_CONFIG_INVALID when a parameter is no integer of the range. */
export function requireParameter(
  kind: SketchKind,
  parameter: string,
  value: number,
  range: { readonly min: number; readonly max: number },
): void {
  if (Number.isInteger(value) && value >= range.min && value <= range.max) return;
  throw new SedgeError(
    'SEDGE_CONFIG_INVALID',
    `${kind} sketch: ${parameter} is ${value}, expected an integer of ${range.min} … ${range.max}`,
  );
}
