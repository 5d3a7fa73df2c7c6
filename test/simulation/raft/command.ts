import type { Entry } from '#agent/mesh/raft/entry.ts';

/** One client's request to the registers. `client` and `seq` name it for all time: a repeated one takes effect once. */
export interface Command {
  readonly client: number;
  readonly seq: number;
  readonly key: number;
  /** `swap` writes when the register holds `expected`. */
  readonly kind: 'put' | 'swap';
  readonly value: number;
  readonly expected: number;
}

const headBytes = 21;

/** @param padding bytes that mean nothing, to vary the size of entries */
export function encodeCommand(command: Command, padding = 0): Uint8Array {
  const data = new Uint8Array(headBytes + padding);
  const view = new DataView(data.buffer);
  view.setUint8(0, command.kind === 'put' ? 1 : 2);
  view.setUint32(1, command.client);
  view.setUint32(5, command.seq);
  view.setUint32(9, command.key);
  view.setUint32(13, command.value);
  view.setUint32(17, command.expected);
  return data;
}

/** Undefined for what is no command: the entry that opens a term, a refused change. */
export function decodeCommand({ kind, data }: Entry): Command | undefined {
  if (kind !== 'normal' || data.length < headBytes) return undefined;
  const view = new DataView(data.buffer, data.byteOffset);
  return {
    kind: view.getUint8(0) === 1 ? 'put' : 'swap',
    client: view.getUint32(1),
    seq: view.getUint32(5),
    key: view.getUint32(9),
    value: view.getUint32(13),
    expected: view.getUint32(17),
  };
}

export const commandName = ({ client, seq }: { readonly client: number; readonly seq: number }): string =>
  `${client}/${seq}`;
