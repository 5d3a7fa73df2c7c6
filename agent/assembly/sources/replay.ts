import type { ReplaySourceConfig } from '../../config/schema/config.ts';
import { HostLineFiles } from '../../host/replay-file.ts';
import { ReplaySource } from '../../ingest/replay-source.ts';
import { formatCount } from '../../base/words.ts';
import type { RunningSource, SourcePorts } from './running-source.ts';

export function replaySource(name: string, config: ReplaySourceConfig, ports: SourcePorts): RunningSource {
  const { foundation, intake } = ports;
  const { clock, telemetry } = foundation;
  const source = new ReplaySource(
    {
      name,
      path: config.path,
      ack: config.ack,
      format: {
        format: config.format,
        topic: config.topic,
        time: config.time ?? 'time',
        timeUnit: config.time_unit ?? 'auto',
      },
      speed: config.speed,
      loop: config.loop,
    },
    { files: new HostLineFiles(), intake, clock, telemetry },
  );
  return {
    name,
    type: 'replay',
    listen: null,
    start: () => source.start(),
    hold: () => Promise.resolve(source.stop()),
    stop: () => Promise.resolve(source.stop()),
    state: () => {
      const { state, sent, settled } = source.inspect();
      return { state: 'ok', words: `${state}, ${formatCount(sent)} lines sent`, unsettled: sent - settled };
    },
  };
}
