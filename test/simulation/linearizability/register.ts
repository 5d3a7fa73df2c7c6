import type { Model } from './checker.ts';

/** Registers by number that hold a number. */
export interface RegisterCall {
  readonly kind: 'read' | 'put' | 'swap';
  readonly register: number;
  /** To write. */
  readonly value: number;
  /** What a swap must find. */
  readonly expected: number;
}

/** `read`: the value found; `swap`: whether it took effect; null: nobody knows. */
export interface RegisterResult {
  readonly value: number | null;
  readonly took: boolean | null;
}

export const nobodyKnows: RegisterResult = { value: null, took: null };

export const registerModel = (initial: number): Model<RegisterCall, RegisterResult, number> => ({
  initial,
  isObservation: (call, result) => call.kind === 'read' || (call.kind === 'swap' && result.took === false),
  objectOf: (call) => call.register,
  step(state, call, result) {
    if (call.kind === 'read') return result.value === null || result.value === state ? state : undefined;
    if (call.kind === 'put') return call.value;
    const takes = call.expected === state;
    if (result.took !== null && result.took !== takes) return undefined;
    return takes ? call.value : state;
  },
});
