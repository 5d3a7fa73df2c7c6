import type { ReadState } from '#agent/mesh/raft/read-queue.ts';
import { commandName, type Command } from './command.ts';
import type { Registers } from './registers.ts';

export interface WaitingRead {
  readonly key: number;
  readonly done: (value: number) => void;
}

/** Whom one process is to answer; they go with it. */
export class Waiting {
  readonly #commands = new Map<string, (took: boolean) => void>();
  readonly #reads = new Map<number, WaitingRead>();
  #readStates: ReadState[] = [];

  clear(): void {
    this.#commands.clear();
    this.#reads.clear();
    this.#readStates = [];
  }

  expectCommand(command: Command, done: (took: boolean) => void): void {
    this.#commands.set(commandName(command), done);
  }
  forgetCommand(command: Command): void {
    this.#commands.delete(commandName(command));
  }
  /** @param took undefined: the client has moved on */
  applied(command: Command, took: boolean | undefined): void {
    const done = this.#commands.get(commandName(command));
    this.forgetCommand(command);
    if (took !== undefined) done?.(took);
  }

  expectRead(context: number, read: WaitingRead): void {
    this.#reads.set(context, read);
  }
  forgetRead(context: number): void {
    this.#reads.delete(context);
  }

  /** Reads may be served from these points on. */
  mayRead(states: readonly ReadState[]): void {
    this.#readStates.push(...states);
  }

  serveReads(registers: Registers): void {
    const waiting: ReadState[] = [];
    for (const state of this.#readStates) {
      if (state.index > registers.applied) {
        waiting.push(state);
        continue;
      }
      const context = contextOf(state.context);
      const read = this.#reads.get(context);
      this.#reads.delete(context);
      read?.done(registers.read(read.key));
    }
    this.#readStates = waiting;
  }
}

export function contextBytes(context: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, context);
  return bytes;
}

const contextOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
