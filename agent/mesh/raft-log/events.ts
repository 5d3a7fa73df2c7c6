import type { Telemetry } from '../../ports/telemetry.ts';
import type { LogIndex } from '../raft/entry.ts';
import type { LogDamage, LogTrouble } from './port.ts';
import type { Truncation } from './verify.ts';

/** What the log of a Raft member lets be seen; every call emits log line and counter together. */
export class RaftLogEvents {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  opened(log: { readonly entries: number; readonly last: LogIndex }, seconds: number): void {
    this.#telemetry.log(
      'info',
      'raft_log_opened',
      `the Raft log was opened: ${log.entries} entries up to ${log.last}`,
      { ...log, seconds },
    );
  }

  written(group: {
    readonly orders: number;
    readonly entries: number;
    readonly bytes: number;
    readonly seconds: number;
  }): void {
    this.#telemetry.count('raft_log_writes');
    this.#telemetry.count('raft_log_written_orders', {}, group.orders);
    this.#telemetry.count('raft_log_written_entries', {}, group.entries);
    this.#telemetry.count('raft_log_written_bytes', {}, group.bytes);
    this.#telemetry.observe('raft_log_write_seconds', group.seconds);
  }

  truncated({ from, promised, reason }: Truncation, doubt: LogIndex): void {
    this.#telemetry.count('raft_log_truncations', { promised: String(promised >= from) });
    const told = `the end of the Raft log was cut off from entry ${from} on: ${reason}`;
    if (promised < from) this.#telemetry.log('notice', 'raft_log_truncated', told, { from, reason });
    else {
      this.#telemetry.log(
        'warning',
        'raft_log_truncated',
        `${told}; this member does not vote until a leader has brought it to entry ${doubt} again`,
        { from, promised, doubt, reason },
      );
    }
  }

  mended(): void {
    this.#telemetry.count('raft_log_mended_ballots');
    this.#telemetry.log(
      'warning',
      'raft_log_mended',
      'the second copy of term and vote was damaged and is written anew',
    );
  }

  damaged({ reason, needIndex, ballot }: LogDamage): void {
    this.#telemetry.count('raft_log_damages');
    const next =
      ballot === null
        ? 'its head is lost: join again under a new id'
        : `waiting for a snapshot; this member votes again from entry ${needIndex} on`;
    this.#telemetry.log('error', 'raft_log_damaged', `the Raft log is damaged (${reason}); ${next}`, {
      reason,
      needIndex,
    });
  }

  lost(trouble: LogTrouble, message: string): void {
    this.#telemetry.count('raft_log_troubles', { trouble });
    this.#telemetry.log(
      'error',
      'raft_log_lost',
      `the disk of the Raft log failed (${trouble}): ${message}; this member stands back until it works again`,
      { trouble },
    );
  }

  recovered(): void {
    this.#telemetry.count('raft_log_recoveries');
    this.#telemetry.log('notice', 'raft_log_recovered', 'the Raft log is writable again');
  }
}
