import type { Config } from '../../config/schema/config.ts';

export interface SiteConfigOptions {
  /** Folder of the agent's data. */
  readonly data: string;
  /** The source, in YAML on one line. */
  readonly source: string;
  readonly bufferSize: string;
  readonly whenFull: Config['buffer']['when_full'];
  readonly cloud: string;
  readonly api: string;
}

/** Two streams, so that one commit spans several; the event time in each payload, so that a message sent again is recognised. */
export function siteConfig({ data, source, bufferSize, whenFull, cloud, api }: SiteConfigOptions): string {
  return `# The agent of a drill. Its uplink leads to a receiver of the drill, on this host.
agent: { id: drill, site: drill, data: ${JSON.stringify(data)} }
log: { level: notice }

sources:
  sensors: ${source}

streams:
  climate: { from: [sensors], match: "drill/climate/{sensor}", decode: { format: json, time: ts, time_unit: ms } }
  power:   { from: [sensors], match: "drill/power/{sensor}", decode: { format: json, time: ts, time_unit: ms } }

buffer: { size: ${bufferSize}, keep_free: 0%, when_full: ${whenFull} }

uplinks:
  cloud: { type: http, url: "${cloud}", timeout: 1s, backoff: { min: 100ms, max: 1s } }

api: { listen: "${api}" }
`;
}
