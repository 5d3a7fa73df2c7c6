import type { SketchKind } from './fault.ts';

/** How far an answer may be from the truth, and how often it is not. */
export interface ErrorBound {
  /** What `error` measures: a part of the rank (0 … 1), of the true value, of all weight, or of the Euclidean norm. */
  readonly of: 'rank' | 'value' | 'weight' | 'norm';
  readonly error: number;
  /** 1 where the bound always holds. */
  readonly confidence: number;
}

/** What every sketch can do. `merge` takes a sketch of its own class. */
export interface Sketch {
  readonly kind: SketchKind;
  /** Values, rows or weight taken in. */
  readonly n: number;
  /** Bytes of memory held for data, without the object around it. */
  readonly memoryBytes: number;
  bound(): ErrorBound;
  /** The standard's bytes where there is one (see the README), little-endian. Equal states give equal bytes. */
  toBytes(): Uint8Array<ArrayBuffer>;
}
