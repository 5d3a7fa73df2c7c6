import { join } from 'node:path';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import { JournalStore } from '#agent/buffer/journal-store.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { HostDiskSpace } from '#agent/host/disk-space.ts';
import { HostEntropy } from '#agent/host/entropy.ts';
import { openSqlite } from '#agent/host/sqlite.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

export const clockSettings = {
  ...defaultSettings,
  keepFreeShare: 0,
  seal: { readings: 50, bytes: 64 * 1024, ageMillis: 1_000 },
  uplinks: [{ name: 'cloud', streams: ['*'] }],
};

export function openStore(folder: string, boot: string): JournalStore {
  const file = join(folder, 'buffer.db');
  const store = new JournalStore({
    open: () => openSqlite({ file }),
    space: new HostDiskSpace({ folder, database: file }),
    agent: 'gw-clock',
    boot,
    entropy: new HostEntropy(),
    events: new BufferEvents(new SilentTelemetry()),
  });
  store.open(clockSettings);
  return store;
}

/** One reading each whose value is the monotonic microsecond it came at, and whose time is counted from `base`. */
export function appendAt(store: JournalStore, monotonicMicros: number, base: number): boolean {
  const builder = new BatchBuilder({ stream: 's', clock: 'agent' });
  builder.begin({ tags: {}, timeMicros: base + monotonicMicros });
  builder.set('mono', monotonicMicros);
  const rows = [{ bytes: encodeJournalRow(builder.finish()), count: 1 }];
  const entry = { stream: 's', received: 1, filtered: [], marks: [], rows, clockBase: base };
  const now = {
    wallMicros: base + monotonicMicros,
    monotonicMillis: monotonicMicros / 1_000,
    clockBase: base,
  };
  const { outcomes } = store.commit([{ kind: 'append', entries: [entry] }], now);
  store.maintain(now);
  return outcomes[0]?.ok === true;
}

const [folder, boot, from, base] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename && folder !== undefined && boot !== undefined) {
  const store = openStore(folder, boot);
  for (let i = Number(from); ; i++) {
    if (appendAt(store, i * 1_000_000, Number(base))) process.stdout.write(`${i}\n`);
  }
}
