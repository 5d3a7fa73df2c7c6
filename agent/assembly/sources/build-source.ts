import { SedgeError } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import { brokerSource } from './broker.ts';
import { httpSource } from './http.ts';
import { mqttSource } from './mqtt.ts';
import { replaySource } from './replay.ts';
import type { RunningSource, SourcePorts } from './running-source.ts';

/** Builds one configured source. @throws {SedgeError} when a file or secret it names cannot be read. */
export function buildSource(config: Config, name: string, ports: SourcePorts): RunningSource {
  const source = config.sources[name];
  if (source === undefined) throw new SedgeError('SEDGE_CONFIG_INVALID', `there is no source ${name}`);
  switch (source.type) {
    case 'mqtt':
      return mqttSource(name, source, ports);
    case 'broker':
      return brokerSource(name, source, { ...ports, folder: config.agent.data });
    case 'http':
      return httpSource(name, source, ports);
    case 'replay':
      return replaySource(name, source, ports);
  }
}
