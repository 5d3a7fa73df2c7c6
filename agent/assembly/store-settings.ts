import type { StoreSettings } from '../buffer/settings.ts';
import { defaultSettings } from '../buffer/settings.ts';
import { derivations } from '../config/derived-streams.ts';
import type { Config } from '../config/schema/config.ts';

/** Of a stream that takes alarms and is not configured itself. */
const alarmPriority = 9;

/** Streams that `alert` stages send to and that are not configured: nobody gave them a priority. */
export function alarmStreams(config: Config): ReadonlySet<string> {
  const alarms = derivations(config).filter(({ kind, to }) => kind === 'alert' && !(to in config.streams));
  return new Set(alarms.map(({ to }) => to));
}

/** What the disk thread is told of the configuration. */
export function storeSettings(config: Config): StoreSettings {
  const { buffer } = config;
  return {
    ...defaultSettings,
    sizeBytes: buffer.size,
    keepFreeBytes: 'bytes' in buffer.keep_free ? buffer.keep_free.bytes : 0,
    keepFreeShare: 'percent' in buffer.keep_free ? buffer.keep_free.percent / 100 : 0,
    whenFull: buffer.when_full,
    uplinks: Object.entries(config.uplinks).map(([name, { streams }]) => ({ name, streams })),
    streams: [
      ...[...alarmStreams(config)].map((name) => ({ name, priority: alarmPriority })),
      ...Object.entries(config.streams).map(([name, { priority }]) => ({ name, priority })),
    ],
    seal: { ...defaultSettings.seal, readings: buffer.seal.readings, ageMillis: buffer.seal.age },
    rollups: {
      streams: buffer.rollups.streams,
      fields: buffer.rollups.fields,
      share:
        'percent' in buffer.rollups.share
          ? buffer.rollups.share.percent / 100
          : Math.min(0.5, buffer.rollups.share.bytes / buffer.size),
    },
  };
}
