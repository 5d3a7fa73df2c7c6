import type { Telemetry } from '../ports/telemetry.ts';

export function replayEnded(telemetry: Telemetry, source: string, messages: number): void {
  telemetry.log(
    'notice',
    'ingest_replay_ended',
    `source ${source}: the recording ended, ${messages} messages`,
    {
      source,
      messages,
    },
  );
}

export function replayFailed(telemetry: Telemetry, source: string, message: string): void {
  telemetry.log('error', 'ingest_replay_failed', `source ${source}: ${message}`, { source });
}

/** A line is longer than a message may be. */
export function replaySkipped(telemetry: Telemetry, source: string, line: number): void {
  telemetry.count('ingest_replay_skipped', { source });
  telemetry.log('warning', 'ingest_replay_skipped', `source ${source}: line ${line} is too long`, {
    source,
    line,
  });
}
