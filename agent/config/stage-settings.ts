import type { StreamConfig } from './schema/config.ts';

type Stage = StreamConfig['stages'][number];

/** A stage with the unit in each name, as stages are built from: `max_interval` becomes `maxIntervalMs`. */
export function stageSettings(stage: Stage) {
  if ('deadband' in stage) {
    const { max_interval: maxIntervalMs, max_series: maxSeries, ...rest } = stage.deadband;
    return { deadband: { ...rest, maxIntervalMs, maxSeries } };
  }
  if ('throttle' in stage) {
    const { every: everyMs, max_series: maxSeries, count } = stage.throttle;
    return { throttle: { everyMs, count, maxSeries } };
  }
  return stage;
}
