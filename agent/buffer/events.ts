import { formatBytes, formatCount } from '../base/words.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Oversize } from './encode-entry.ts';
import { readingBytesMax } from './limits.ts';

/** What, where, and what to do: also what sources are told meanwhile. */
export function astrayMessage(database: string): string {
  return (
    `${database} was deleted, moved or replaced while in use: no reading is taken until it is back where it was. ` +
    'What it holds is still sent; then, or after ten minutes, the agent ends, to go on with what is there'
  );
}

/** Readings too large to be stored: their sender was told nothing, so the operator is. The ledger has them as filtered. */
export function readingOversize(
  telemetry: Telemetry,
  { stream, count, bytes, bytesMax, tags }: Oversize,
): void {
  telemetry.count('buffer_oversize_readings', { stream }, count);
  const which = count === 1 ? `a reading of ${stream} is` : `${formatCount(count)} readings of ${stream} are`;
  const wayOut =
    bytesMax < readingBytesMax
      ? 'a larger buffer.size takes larger ones'
      : 'let the device send it in parts, or leave fields out with the stage `select`';
  const size = `${formatCount(bytes)} bytes encoded, ${formatCount(bytesMax)} at most`;
  telemetry.log(
    'warning',
    'buffer_oversize',
    `${which} too large to be stored (${size}) and dropped, in the ledger as filtered by oversize: ${wayOut}`,
    { stream, count, bytes, bytesMax, tags: tags.slice(0, tagsShown) },
  );
}

/** UTF-16 units: enough to find the sender. */
const tagsShown = 120;

/** What the store lets be seen; every call emits log line and counter together. */
export class BufferEvents {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  committed(group: { requests: number; readings: number; bytes: number; seconds: number }): void {
    this.#telemetry.count('buffer_commits');
    this.#telemetry.count('buffer_committed_readings', {}, group.readings);
    this.#telemetry.count('buffer_committed_bytes', {}, group.bytes);
    this.#telemetry.observe('buffer_commit_seconds', group.seconds);
    this.#telemetry.observe('buffer_commit_requests', group.requests);
  }

  sealed(stream: string, block: { readings: number; rowBytes: number; bytes: number }): void {
    this.#telemetry.count('buffer_sealed_blocks');
    this.#telemetry.count('buffer_sealed_readings', {}, block.readings);
    this.#telemetry.count('buffer_sealed_bytes', {}, block.bytes);
    this.#telemetry.log('debug', 'buffer_sealed', `sealed ${block.readings} readings of ${stream}`, {
      stream,
      ...block,
    });
  }

  joined(stream: string, join: { blocks: number; bytesBefore: number; bytes: number }): void {
    this.#telemetry.count('buffer_joined_blocks', {}, join.blocks);
    this.#telemetry.count('buffer_joined_saved_bytes', {}, Math.max(0, join.bytesBefore - join.bytes));
    this.#telemetry.log('debug', 'buffer_joined', `joined ${join.blocks} blocks of ${stream}`, {
      stream,
      ...join,
    });
  }

  coarsened(
    stream: string,
    step: {
      readings: number;
      fresh: number;
      summaries: number;
      bytesBefore: number;
      bytes: number;
      level: number;
    },
  ): void {
    this.#telemetry.count('buffer_ladder_steps', { level: String(step.level) });
    this.#telemetry.count('buffer_coarsened_readings', { stream }, step.fresh);
    this.#telemetry.count('buffer_coarsened_saved_bytes', {}, Math.max(0, step.bytesBefore - step.bytes));
    this.#telemetry.log(
      'debug',
      'buffer_coarsened',
      `${step.readings} readings of ${stream} now stand in ${step.summaries} summaries`,
      { stream, ...step },
    );
  }

  /** A level would not have made these blocks small enough, or can not be made of them. */
  passedOver(
    stream: string,
    pass: { reason: string; field: string | null; level: number; blocks: number; first: number },
  ): void {
    const { reason, level, blocks, first } = pass;
    this.#telemetry.count('buffer_ladder_passed_over', { level: String(level), reason }, blocks);
    this.#telemetry.log(
      'debug',
      'buffer_passed_over',
      `the ladder passed over level ${level} for ${blocks} blocks of ${stream} (${reason})`,
      { stream, level, reason, field: pass.field ?? '', blocks, first },
    );
  }

  /** No level makes it smaller. */
  leftAlone(stream: string, block: { level: number; first: number; count: number }): void {
    this.#telemetry.count('buffer_ladder_left_alone', { level: String(block.level) });
    this.#telemetry.log(
      'debug',
      'buffer_left_alone',
      `nothing makes ${block.count} readings of ${stream} at level ${block.level} smaller; they stay as they are until they are dropped`,
      { stream, ...block },
    );
  }

  /** Summaries that do not read as such; the block stays as it is, and fsck will name it. */
  uncoarsened(stream: string, block: { first: number; reason: string }): void {
    this.#telemetry.log(
      'warning',
      'buffer_uncoarsened',
      `summaries of ${stream} from offset ${block.first} can not be joined: ${block.reason}`,
      { stream, ...block },
    );
  }

  dropped(stream: string, range: { first: number; count: number; rule: string }): void {
    this.#telemetry.count('buffer_dropped_readings', { stream, rule: range.rule }, range.count);
    this.#telemetry.log(
      'warning',
      'buffer_dropped',
      `dropped ${range.count} readings of ${stream} from offset ${range.first} (${range.rule})`,
      { stream, ...range },
    );
  }

  clockSet(readings: number): void {
    this.#telemetry.count('buffer_rebased_readings', {}, readings);
    this.#telemetry.log(
      'notice',
      'buffer_rebased',
      `the clock was set: ${readings} readings that are kept have their true time of arrival now`,
      { readings },
    );
  }

  quarantined(stream: string, range: { first: number; count: number; reason: string }): void {
    this.#telemetry.count('buffer_quarantined_readings', { stream }, range.count);
    this.#telemetry.log(
      'error',
      'buffer_quarantined',
      `${stream}: offsets ${range.first} to ${range.first + range.count - 1} are damaged (${range.reason}); set aside`,
      { stream, ...range },
    );
  }

  notRolledUp(stream: string, readings: number): void {
    this.#telemetry.count('buffer_rollup_skipped_readings', { stream }, readings);
    this.#telemetry.log(
      'warning',
      'buffer_rollup_skipped',
      `${readings} readings of ${stream} are in no summary: the buffer has no room for it`,
      { stream, readings },
    );
  }

  queried(outcome: 'answered' | 'failed', seconds: number): void {
    this.#telemetry.count('buffer_queries', { outcome });
    this.#telemetry.observe('buffer_query_seconds', seconds);
  }

  rollupDamaged(stream: number, reason: string): void {
    this.#telemetry.count('buffer_rollup_damaged');
    this.#telemetry.log(
      'error',
      'buffer_rollup_damaged',
      `a summary of stream number ${stream} is damaged (${reason}); it is left out`,
      { stream, reason },
    );
  }

  confined(wantedBytes: number, bytes: number): void {
    this.#telemetry.log(
      'warning',
      'buffer_confined',
      `the device has room for ${formatBytes(bytes)} of buffer, buffer.size wants ${formatBytes(wantedBytes)}: make room, or lower buffer.size or buffer.keep_free`,
      { wantedBytes, bytes },
    );
  }

  full(reason: string): void {
    this.#telemetry.count('buffer_full');
    this.#telemetry.log('warning', 'buffer_full', `the buffer takes no more: ${reason}`);
  }

  troubled(trouble: string, message: string): void {
    this.#telemetry.count('buffer_trouble', { trouble });
    this.#telemetry.log('error', 'buffer_trouble', `the disk failed (${trouble}): ${message}`, { trouble });
  }

  opened(state: { streams: number; journalRows: number; bufferedReadings: number; seconds: number }): void {
    this.#telemetry.log(
      'info',
      'buffer_opened',
      `buffer opened: ${state.bufferedReadings} readings wait in ${state.streams} streams`,
      state,
    );
  }

  astray(database: string): void {
    this.#telemetry.count('buffer_trouble', { trouble: 'astray' });
    this.#telemetry.log('error', 'buffer_astray', astrayMessage(database), { database });
  }

  returned(database: string): void {
    this.#telemetry.count('buffer_recovered');
    this.#telemetry.log('notice', 'buffer_returned', `${database} is back; readings are taken again`, {
      database,
    });
  }

  logLost(database: string): void {
    this.#telemetry.count('buffer_trouble', { trouble: 'log' });
    this.#telemetry.log(
      'error',
      'buffer_log_lost',
      `${database}-wal was deleted or replaced while in use; what it held is brought into the database`,
      { database },
    );
  }

  recovered(): void {
    this.#telemetry.count('buffer_recovered');
    this.#telemetry.log('notice', 'buffer_recovered', 'the buffer was reopened after a disk failure');
  }
}
