import * as z from 'zod';
import { topicProblem } from '../../reading/topic-filter.ts';
import { backoff, clientTls, password, username } from './connection.ts';
import {
  choice,
  duration,
  integer,
  leaf,
  list,
  path,
  rate,
  secret,
  size,
  text,
  textChoice,
  url,
} from './leaf.ts';

/** What every uplink has. */
const common = () => ({
  streams: list(text({ what: 'a stream name, * and ? allowed', type: 'stream pattern', max: 64 }), {
    min: 1,
    max: 1000,
  })
    .prefault(['*'])
    .describe('Streams that go this way, globs allowed. `*` leaves out streams whose name begins with _.'),
  batch: integer(1, 10_000).prefault(500).describe('Readings sent together at most.'),
  batch_bytes: size('1KiB', '64MiB')
    .prefault('1MiB')
    .describe('Bytes sent together at most, before compression.'),
  in_flight: integer(1, 16)
    .prefault(4)
    .describe('Batches under way at a time; more hide latency and use memory.'),
  order: choice('live_first', 'oldest_first')
    .prefault('oldest_first')
    .describe('After an outage: new readings at once and the backlog beside them, or strictly in order.'),
  budget: z
    .strictObject({
      rate: rate('100B/s', '1TiB/s').optional().describe('Bytes a second on average; default: unlimited.'),
      per_day: size('1KiB', '1TiB')
        .optional()
        .describe(
          'Bytes a day (UTC), counted across restarts; then the uplink rests until midnight. Default: unlimited.',
        ),
    })
    .prefault({})
    .describe('What may be sent at most, as counted by the sender before TLS and TCP.'),
  backoff: backoff('1s', '5m').describe('Pauses between attempts while the uplink is down, jittered.'),
});

const headerValue = () =>
  leaf(
    z.union([
      z
        .string()
        .max(8192)
        .regex(/^[\t\x20-\x7e\x80-\xff]*$/),
      secret(),
    ]),
    {
      type: 'text or { secret: NAME }',
      expected: 'a text without line breaks, or { secret: NAME }',
    },
  );

const headerName = () =>
  text({ what: 'a header name', type: 'header name', max: 256, pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/ });

export const httpUplink = z.strictObject({
  type: z.literal('http').describe('POST of NDJSON to a URL.'),
  url: url(['http', 'https']).describe('Where batches are posted.'),
  token: secret().optional().describe('Reference to the bearer token sent; default: none.'),
  headers: z.record(headerName(), headerValue()).prefault({}).describe('Further request headers.'),
  compression: choice('auto', 'zstd', 'gzip', 'none')
    .prefault('auto')
    .describe('auto: the best of what the server says it accepts.'),
  timeout: duration('100ms', '10m')
    .prefault('30s')
    .describe('From the start of a request to the end of its answer.'),
  tls: clientTls().optional().describe('Trust and client certificate for https.'),
  ...common(),
});

export const mqttUplink = z.strictObject({
  type: z.literal('mqtt').describe('Publish to an MQTT broker.'),
  url: url(['mqtt', 'mqtts', 'ws', 'wss']).describe('Where the broker listens.'),
  topic: text({
    what: 'a topic such as site/{agent}/{stream}',
    type: 'topic',
    max: 65_535,
    problem: (topic) => {
      const unknown = /\{(?!(?:agent|site|stream)\})[^}]*\}?/.exec(topic);
      return unknown === null
        ? topicProblem(topic)
        : `${unknown[0]} stands for nothing: use {agent}, {site} and {stream}`;
    },
  })
    .prefault('sedge/{agent}/{stream}')
    .describe('Topic of each publish; {agent}, {site} and {stream} are filled in.'),
  client_id: text({ what: 'an MQTT client id of 1 to 128 characters', max: 128 })
    .optional()
    .describe('Names the session at the broker, unique there. Default: sedge-AGENT-UPLINK-out.'),
  version: textChoice(['5', '3.1.1'], [5])
    .prefault('5')
    .describe(
      'MQTT version; 3.1.1 has no user properties, the receiver then reads agent and offsets from the payload.',
    ),
  username: username(),
  password: password(),
  tls: clientTls().optional().describe('Trust and client certificate for mqtts and wss.'),
  keep_alive: duration('1s', '18h')
    .prefault('30s')
    .describe('Silence after which a ping is sent, whole seconds.'),
  timeout: duration('100ms', '10m').prefault('30s').describe('From a publish to its confirmation.'),
  ...common(),
});

export const fileUplink = z.strictObject({
  type: z.literal('file').describe('Append NDJSON to a file, synced before readings count as delivered.'),
  path: path().describe('File to append to; rotated files get .1, .2 … behind the name.'),
  rotate: size('4KiB', '16TiB')
    .prefault('64MiB')
    .describe('Size at which the file is put aside and a new one begun.'),
  keep: integer(0, 100_000).prefault(10).describe('Files put aside that are kept; the oldest goes first.'),
  ...common(),
});

export const uplinkSchema = z.discriminatedUnion('type', [httpUplink, mqttUplink, fileUplink]);
