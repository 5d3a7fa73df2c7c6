import type { Model, Operation } from '#test/simulation/linearizability/checker.ts';
import {
  nobodyKnows,
  type RegisterCall,
  type RegisterResult,
} from '#test/simulation/linearizability/register.ts';

/** Recorded histories in the two formats of anishathalye/porcupine's test data, as operations for our checker. */

/** What nobody wrote: a register that does not exist. */
export const nil = -1;

const jepsenLine = /^INFO\s+jepsen\.util - (\d+)\t:(invoke|ok|fail|info)\t:(read|write|cas)\t(.*)$/;

interface Open {
  readonly call: RegisterCall;
  readonly calledAt: number;
}

/** A log of Jepsen against one register of etcd. What ended as `:info`, or never, may have happened at any time. */
export function parseJepsen(text: string): Operation<RegisterCall, RegisterResult>[] {
  const operations: Operation<RegisterCall, RegisterResult>[] = [];
  const open = new Map<string, Open>();
  for (const [at, line] of text.split('\n').entries()) {
    const [, client, phase, name, rest] = jepsenLine.exec(line) ?? [];
    if (client === undefined || name === undefined || rest === undefined) continue;
    if (phase === 'invoke') {
      open.set(client, { call: callOf(name, rest), calledAt: at });
      continue;
    }
    const result = resultOf(name, phase === 'ok', rest);
    const started = open.get(client);
    if (phase === 'info' || started === undefined) continue;
    open.delete(client);
    operations.push({ ...started, result, returnedAt: at });
  }
  for (const started of open.values())
    operations.push({ ...started, result: nobodyKnows, returnedAt: Infinity });
  return operations;
}

function callOf(name: string, rest: string): RegisterCall {
  const [first = nil, second = nil] = rest.match(/\d+/g)?.map(Number) ?? [];
  if (name === 'read') return { kind: 'read', register: 0, value: nil, expected: nil };
  if (name === 'write') return { kind: 'put', register: 0, value: first, expected: nil };
  return { kind: 'swap', register: 0, expected: first, value: second };
}

function resultOf(name: string, isOk: boolean, rest: string): RegisterResult {
  if (rest === ':timed-out') return nobodyKnows;
  if (name === 'read') return { value: rest === 'nil' ? nil : Number(rest), took: null };
  return { value: null, took: isOk };
}

/** A store of texts by key, each of which can be read, replaced and added to. */
export interface TextCall {
  readonly kind: 'get' | 'put' | 'append';
  readonly key: string;
  readonly value: string;
}

export const textModel: Model<TextCall, string, string> = {
  initial: '',
  isObservation: (call) => call.kind === 'get',
  objectOf: (call) => call.key,
  step(state, call, result) {
    if (call.kind === 'get') return state === result ? state : undefined;
    return call.kind === 'put' ? call.value : state + call.value;
  },
};

const textLine =
  /^\{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key "([^"]*)", :value (?:nil|"([^"]*)")\}$/;

export function parseTexts(text: string): Operation<TextCall, string>[] {
  const operations: Operation<TextCall, string>[] = [];
  const open = new Map<string, { readonly call: TextCall; readonly calledAt: number }>();
  for (const [at, line] of text.split('\n').entries()) {
    const [, client, phase, kind, key = '', value = ''] = textLine.exec(line) ?? [];
    if (client === undefined) continue;
    const started = open.get(client);
    if (phase === 'invoke')
      open.set(client, { call: { kind: kind as TextCall['kind'], key, value }, calledAt: at });
    else if (started !== undefined) {
      open.delete(client);
      operations.push({ ...started, result: value, returnedAt: at });
    }
  }
  for (const started of open.values()) operations.push({ ...started, result: '', returnedAt: Infinity });
  return operations;
}
