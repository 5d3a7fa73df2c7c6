import type { Model, Operation } from './checker.ts';

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

/** Stands for every value that nobody has read and no swap has looked for. */
export const anyOther = -1;

/**
 * The same history, in which all values that nobody asked about are one: which of them a register holds makes no difference to
 * anybody, and the search need not tell them apart. Verdicts stay the same. @param operations with values ≥ 0
 */
export function withoutUnasked(
  operations: readonly Operation<RegisterCall, RegisterResult>[],
): Operation<RegisterCall, RegisterResult>[] {
  const asked = new Map<number, Set<number>>();
  const ask = (register: number, value: number): void => {
    const values = asked.get(register);
    if (values === undefined) asked.set(register, new Set([value]));
    else values.add(value);
  };
  for (const { call, result } of operations) {
    if (call.kind === 'swap') ask(call.register, call.expected);
    if (result.value !== null) ask(call.register, result.value);
  }
  return operations.map((operation) => {
    const { call } = operation;
    const isAsked = call.kind === 'read' || asked.get(call.register)?.has(call.value) === true;
    const expected = call.kind === 'swap' ? call.expected : 0;
    return { ...operation, call: { ...call, expected, value: isAsked ? call.value : anyOther } };
  });
}
