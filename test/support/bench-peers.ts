import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `SEDGE_BENCH_PEERS=FOLDER`: where `scripts/bench-peers.ts FOLDER` put other agents. */
export function peersFolder(): string | null {
  return process.env['SEDGE_BENCH_PEERS'] ?? null;
}

export interface PeerSetting {
  /** Where the peer may write. */
  readonly folder: string;
  readonly brokerPort: number;
  /** First level of the topics. */
  readonly prefix: string;
  /** For what it listens on and nobody asks. */
  readonly freePorts: readonly [number, number];
  /** It writes a line a reading there. */
  readonly output: string;
}

/** Another agent, told to decode, keep, calibrate and leave out what repeats, and to write what is left to a file. */
export interface Peer {
  readonly name: string;
  /** Where a message is when the broker has its acknowledgement. */
  readonly kept: 'memory' | 'file' | 'synced';
  /** After so long without a line nothing follows. */
  readonly quietMs: number;
  /** It takes messages on the first free port, without a broker. */
  readonly listens?: boolean;
  /** Writes its configuration. Answers the command. */
  prepare(setting: PeerSetting): readonly [string, ...string[]];
}

/** Those of the folder whose name holds `SEDGE_BENCH_PEER`, or why there are none. */
export function peersFound(): readonly Peer[] | string {
  const folder = peersFolder();
  if (folder === null) {
    return 'SEDGE_BENCH_PEERS names no folder of other agents: `npm run bench:peers -- FOLDER` builds Telegraf there (needs Go) and fetches Node-RED';
  }
  const found = [
    ...(existsSync(telegrafFile(folder)) ? telegrafs(telegrafFile(folder)) : []),
    ...(existsSync(ekuiperFile(folder)) ? [ekuiper(folder)] : []),
    ...(existsSync(fluentBitFile(folder)) ? fluentBits(fluentBitFile(folder)) : []),
    ...(existsSync(nodeRedFile(folder)) ? [nodeRed(nodeRedFile(folder))] : []),
  ];
  const wanted = process.env['SEDGE_BENCH_PEER'] ?? '';
  const narrowed = found.filter(({ name }) => name.includes(wanted));
  return narrowed.length > 0 ? narrowed : `no agent was found in ${folder}`;
}

const telegrafFile = (folder: string): string => join(folder, 'bin/telegraf');
const ekuiperFile = (folder: string): string => join(folder, 'bin/kuiperd');
const fluentBitFile = (folder: string): string => join(folder, 'bin/fluent-bit');
const nodeRedFile = (folder: string): string => join(folder, 'node-red/node_modules/node-red/red.js');

interface TelegrafSettings {
  readonly agent: string;
  readonly input: string;
}

function telegrafs(program: string): Peer[] {
  const make = (peer: Pick<Peer, 'name' | 'kept' | 'quietMs'>, settings: TelegrafSettings): Peer => ({
    ...peer,
    prepare: (setting) => {
      const file = join(setting.folder, 'telegraf.conf');
      writeFileSync(file, telegrafConfig(setting, settings));
      return [program, '--config', file, '--quiet'];
    },
  });
  // The broker has at most 1,000 messages on the way to one subscriber: a batch must fill with fewer.
  const batches = 'metric_batch_size = 500\n  flush_interval = "1s"';
  const session = 'qos = 1\n  persistent_session = true\n  client_id = "bench-telegraf';
  return [
    make(
      {
        name: 'Telegraf, defaults',
        kept: 'memory',
        quietMs: 11_000,
      },
      { agent: '', input: '' },
    ),
    make(
      {
        name: 'Telegraf, acknowledging what its output took',
        kept: 'file',
        quietMs: 2_000,
      },
      { agent: batches, input: `${session}-memory"` },
    ),
    make(
      {
        name: 'Telegraf, disk buffer',
        kept: 'synced',
        quietMs: 3_000,
      },
      {
        agent: `${batches}\n  buffer_strategy = "disk"\n  buffer_directory = "BUFFER"`,
        input: `${session}-disk"`,
      },
    ),
  ];
}

/** As thrifty as it can be told to: one measurement, tags from the topic without the topic, no metrics of its own. */
function telegrafConfig(setting: PeerSetting, { agent, input }: TelegrafSettings): string {
  return `[agent]
  omit_hostname = true
  ${agent.replace('BUFFER', join(setting.folder, 'buffer'))}
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:${setting.brokerPort}"]
  topics = ["${setting.prefix}/+/+/telemetry"]
  topic_tag = ""
  ${input}
  data_format = "json"
  json_time_key = "ts"
  json_time_format = "unix_ms"
  json_string_fields = ["ok", "mode", "batch", "note"]
  metricpass = "fields.temp > -40.0 && fields.ok"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "${setting.prefix}/+/+/telemetry"
    tags = "_/plant/machine/_"
[[processors.scale]]
  order = 1
  [[processors.scale.scaling]]
    factor = 0.1
    offset = -2.0
    fields = ["temp"]
[[processors.dedup]]
  order = 2
  dedup_interval = "100000h"
[[outputs.file]]
  files = ["${setting.output}"]
  data_format = "influx"
`;
}

function ekuiper(peers: string): Peer {
  return {
    name: 'eKuiper',
    kept: 'memory',
    quietMs: 5_000,
    prepare: (setting) => {
      const { folder } = setting;
      for (const name of ['data', 'log', 'plugins']) mkdirSync(join(folder, name), { recursive: true });
      cpSync(join(peers, 'ekuiper/etc'), join(folder, 'etc'), { recursive: true });
      const broker = { qos: 1, server: `tcp://127.0.0.1:${setting.brokerPort}`, protocolVersion: '3.1.1' };
      writeFileSync(join(folder, 'etc/mqtt_source.yaml'), JSON.stringify({ default: broker }));
      writeFileSync(join(folder, 'data/init.json'), JSON.stringify(ekuiperRules(setting)));
      const [port, restPort] = setting.freePorts;
      const ports = [`KUIPER__BASIC__PORT=${port}`, `KUIPER__BASIC__RESTPORT=${restPort}`];
      return ['env', `KuiperBaseKey=${folder}`, ...ports, 'KUIPER__BASIC__PPROF=false', ekuiperFile(peers)];
    },
  };
}

/** The three stages in one statement. Queues as long as a run: with its own of 1,024 messages it drops some of a flood. */
function ekuiperRules({ prefix, output }: PeerSetting): object {
  const machine = 'split_value(meta(topic), "/", 2)';
  const fields = 'ts, temp * 0.1 - 2 as temp, rms, hum, rpm, current, ok, mode, batch, note';
  const sql = `SELECT ${fields}, split_value(meta(topic), "/", 1) as plant, ${machine} as machine FROM bench WHERE temp > -40 AND ok = true AND had_changed(true, temp) OVER (PARTITION BY ${machine})`;
  const file = {
    path: output,
    fileType: 'lines',
    format: 'json',
    rollingInterval: '100h',
    checkInterval: '1s',
  };
  return {
    streams: {
      bench: `CREATE STREAM bench () WITH (DATASOURCE="${prefix}/+/+/telemetry", FORMAT="json", TYPE="mqtt")`,
    },
    tables: {},
    rules: {
      bench: JSON.stringify({ id: 'bench', sql, actions: [{ file }], options: { bufferLength: 200_000 } }),
    },
  };
}

const fluentBitStages = `local last = {}
function stages(tag, time, reading)
  if not (reading.temp > -40 and reading.ok) then return -1 end
  reading.temp = reading.temp * 0.1 - 2
  local before = last[reading.topic]
  if before and math.abs(before - reading.temp) < 0.05 then return -1 end
  last[reading.topic] = reading.temp
  return 1, reading.ts / 1000, reading
end
`;

/** It has a broker's side of MQTT and no client. Stages on values are written in Lua. */
function fluentBits(program: string): Peer[] {
  const make = (peer: Pick<Peer, 'name' | 'kept'>, service: string, input: string): Peer => ({
    ...peer,
    quietMs: 5_000,
    listens: true,
    prepare: ({ folder, freePorts, output }) => {
      const file = join(folder, 'fluent-bit.conf');
      writeFileSync(join(folder, 'stages.lua'), fluentBitStages);
      writeFileSync(
        file,
        `[SERVICE]
  flush 1
  log_level error
  ${service.replace('BUFFER', join(folder, 'buffer'))}
[INPUT]
  name mqtt
  tag bench
  listen 127.0.0.1
  port ${freePorts[0]}
  ${input}
[FILTER]
  name lua
  match *
  script ${join(folder, 'stages.lua')}
  call stages
[OUTPUT]
  name file
  match *
  file ${output}
  format plain
`,
      );
      return [program, '--quiet', '--config', file];
    },
  });
  return [
    make({ name: 'Fluent Bit, defaults', kept: 'memory' }, '', ''),
    make(
      { name: 'Fluent Bit, files synced', kept: 'memory' },
      'storage.path BUFFER\n  storage.sync full\n  storage.checksum on',
      'storage.type filesystem',
    ),
  ];
}

function nodeRed(program: string): Peer {
  return {
    name: 'Node-RED',
    kept: 'memory',
    quietMs: 5_000,
    prepare: (setting) => {
      const { folder } = setting;
      writeFileSync(
        join(folder, 'settings.js'),
        'module.exports = { httpAdminRoot: false, httpNodeRoot: false, logging: { console: { level: "error" } }, telemetry: { enabled: false } };\n',
      );
      writeFileSync(join(folder, 'flows.json'), JSON.stringify(nodeRedFlow(setting)));
      const flags = ['--userDir', folder, '--settings', join(folder, 'settings.js'), '--port', '0'];
      return [process.execPath, program, ...flags, 'flows.json'];
    },
  };
}

/** The nodes it brings for each stage; a function where they have none that tests two fields at once. */
function nodeRedFlow({ brokerPort, prefix, output }: PeerSetting): readonly object[] {
  const node = (id: string, type: string, next: string | null, properties: object): object => ({
    id,
    type,
    z: 'flow',
    x: 0,
    y: 0,
    wires: next === null ? [] : [[next]],
    ...properties,
  });
  const broker = { broker: '127.0.0.1', port: `${brokerPort}`, protocolVersion: '4', keepalive: '60' };
  return [
    { id: 'flow', type: 'tab', label: 'bench' },
    { id: 'broker', type: 'mqtt-broker', ...broker, cleansession: true, autoConnect: true },
    node('in', 'mqtt in', 'keep', {
      broker: 'broker',
      topic: `${prefix}/+/+/telemetry`,
      qos: '1',
      datatype: 'json',
      inputs: 0,
    }),
    node('keep', 'function', 'calibrate', {
      func: 'const r = msg.payload;\nreturn r.temp > -40 && r.ok ? msg : null;',
      outputs: 1,
      initialize: '',
      finalize: '',
      libs: [],
    }),
    node('calibrate', 'range', 'deadband', {
      minin: '0',
      maxin: '1000',
      minout: '-2',
      maxout: '98',
      action: 'scale',
      round: false,
      property: 'payload.temp',
    }),
    node('deadband', 'rbe', 'file', {
      func: 'deadband',
      gap: '0.05',
      start: '',
      inout: 'out',
      septopics: true,
      property: 'payload.temp',
      topi: 'topic',
    }),
    node('file', 'file', null, {
      filename: output,
      filenameType: 'str',
      appendNewline: true,
      createDir: false,
      overwriteFile: 'false',
      encoding: 'none',
    }),
  ];
}
