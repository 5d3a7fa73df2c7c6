import { emptyRecord, type MembershipRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { Command } from './command.ts';

/** What a register holds before the first write. */
export const unset = 0;

interface Frozen {
  readonly applied: number;
  readonly membership: MembershipRecord;
  readonly values: readonly (readonly [number, number])[];
  readonly sessions: readonly (readonly [number, readonly [number, boolean]])[];
}

/** The state machine: registers, and what each client was last answered, so that a repeated request takes effect once. */
export class Registers {
  applied = 0;
  membership: MembershipRecord = emptyRecord;
  readonly #values = new Map<number, number>();
  readonly #sessions = new Map<number, readonly [seq: number, done: boolean]>();

  read(key: number): number {
    return this.#values.get(key) ?? unset;
  }

  /** Whether it took effect: a `swap` may find another value. Undefined: the client has moved on since. */
  apply(command: Command): boolean | undefined {
    const [seq, outcome] = this.#sessions.get(command.client) ?? [0, false];
    if (command.seq === seq) return outcome;
    if (command.seq < seq) return undefined;
    const done = command.kind === 'put' || this.read(command.key) === command.expected;
    if (done) this.#values.set(command.key, command.value);
    this.#sessions.set(command.client, [command.seq, done]);
    return done;
  }

  clone(): Registers {
    const copy = new Registers();
    copy.applied = this.applied;
    copy.membership = this.membership;
    for (const [key, value] of this.#values) copy.#values.set(key, value);
    for (const [client, session] of this.#sessions) copy.#sessions.set(client, session);
    return copy;
  }

  toBytes(): Uint8Array {
    const frozen: Frozen = {
      applied: this.applied,
      membership: this.membership,
      values: [...this.#values].sort((a, b) => a[0] - b[0]),
      sessions: [...this.#sessions].sort((a, b) => a[0] - b[0]),
    };
    return new TextEncoder().encode(JSON.stringify(frozen));
  }

  static fromBytes(data: Uint8Array): Registers {
    const registers = new Registers();
    const frozen = JSON.parse(new TextDecoder().decode(data)) as Frozen;
    registers.applied = frozen.applied;
    registers.membership = frozen.membership;
    for (const [key, value] of frozen.values) registers.#values.set(key, value);
    for (const [client, session] of frozen.sessions) registers.#sessions.set(client, session);
    return registers;
  }
}
