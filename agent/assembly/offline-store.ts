import { StoreClient } from '../buffer/store-client.ts';
import type { BufferOpener } from '../cli/buffer/offline-buffer.ts';
import { startDiskThread } from '../host/disk-thread.ts';
import type { Packaging } from '../host/packaging.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { readPage } from './readings-json.ts';
import { storeSettings } from './store-settings.ts';

const pageReadings = 1000;

/** Errors only: verbs print what they were asked for. */
function telemetryOf(warn: (words: string) => void): Telemetry {
  const log: Telemetry['log'] = (level, _event, message) => {
    if (level === 'error') warn(message);
  };
  return { log, count: () => {}, gauge: () => {}, observe: () => {} };
}

/**
 * Opens the data folder of an agent that does not run, under its own configuration. No reading moves by being looked at; the store keeps itself up as it would, and
 * says so where damage is met.
 */
export function bufferOpener(packaging: Packaging): BufferOpener {
  return {
    open: async (config, warn) => {
      const { data: folder, id: agent } = config.agent;
      const addon = await packaging.sqliteAddon();
      const channel = startDiskThread(
        { folder, agent, ...(addon === undefined ? {} : { addon }) },
        packaging.worker('disk-worker'),
      );
      const store = new StoreClient({ channel, telemetry: telemetryOf(warn) });
      try {
        // Nothing becomes coarser by being looked at, so that every walk may have one name.
        await store.start({ ...storeSettings(config), whenFull: 'block' });
      } catch (error) {
        await channel.end();
        throw error;
      }
      return {
        stats: () => store.stats(),
        page: (stream, from) =>
          readPage(store, { stream, from, count: pageReadings, walk: 'offline' }, agent),
        windows: (stream, every, after) => store.windows({ stream, every, after }),
        query: (query) => store.query(query),
        fsck: (options) => store.fsck(options),
        purge: (request) => store.purge(request),
        ledger: () => store.ledger(),
        stop: () => store.stop(),
      };
    },
  };
}
