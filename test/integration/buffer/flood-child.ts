import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { climbing, entryBatch } from './flood-batch.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { startDiskThread } from '#agent/host/disk-thread.ts';

/** Floods a store until it is killed; prints each batch's number once it is acknowledged, by a write that is done before the next. */
const folder = argv[2]!;
const store = new StoreClient({
  channel: startDiskThread({ folder, agent: 'gw-flood' }),
  telemetry: { log() {}, count() {}, gauge() {}, observe() {} },
});
const isClimbing = argv[4] === 'ladder';
const ladder = isClimbing ? climbing : {};
/** Batches under way; few leave the disk thread turns in which nothing is to be sealed, but coarsened. */
const atOnce = isClimbing ? 4 : 32;
await store.start({
  ...defaultSettings,
  keepFreeShare: 0,
  uplinks: [{ name: 'cloud', streams: ['*'] }],
  ...ladder,
});
let next = Number(argv[3] ?? 0);
const pump = async (): Promise<void> => {
  for (;;) {
    const number = next++;
    const batch = entryBatch(number);
    const outcome = await store.append([
      { stream: batch.stream, batch, received: batch.length, filtered: [], marks: [] },
    ]);
    if (outcome.ok) writeSync(1, `${number}\n`);
  }
};
await Promise.all(Array.from({ length: atOnce }, pump));
