import * as z from 'zod';
import { filterProblem } from '../../reading/topic-filter.ts';
import { backoff, clientTls, password, serverTls, username } from './connection.ts';
import {
  choice,
  duration,
  flag,
  integer,
  leaf,
  list,
  listen,
  noWords,
  path,
  secret,
  size,
  text,
  textChoice,
  url,
} from './leaf.ts';

const acknowledge = () =>
  choice('received', 'fsynced')
    .prefault('fsynced')
    .describe(
      'When the sender gets its acknowledgement: after the commit that holds the reading was synced to disk, or already on receipt (a crash then loses what was under way).',
    );

const topicFilter = () =>
  text({
    what: 'an MQTT topic filter such as plant/+/telemetry',
    type: 'topic filter',
    max: 65_535,
    problem: filterProblem,
  });

const subscription = () =>
  text({
    what: 'an MQTT topic filter such as plant/+/telemetry',
    type: 'topic filter',
    max: 65_535,
    problem: (filter) =>
      filter.startsWith('$share/')
        ? 'write the filter without $share/GROUP/ and set `shared_group: GROUP`'
        : filterProblem(filter),
  });

export const mqttSource = z.strictObject({
  type: z.literal('mqtt').describe('An MQTT broker that this agent subscribes to.'),
  url: url(['mqtt', 'mqtts', 'ws', 'wss']).describe('Where the broker listens; mqtts and wss are encrypted.'),
  topics: list(subscription(), { min: 1, max: 256 }).describe(
    'Topic filters to subscribe to; + and # as in MQTT.',
  ),
  qos: choice(0, 1, 2)
    .prefault(1)
    .describe('Quality of service asked for. 0 may lose, 1 may repeat, 2 does neither.'),
  ack: acknowledge(),
  receive_maximum: integer(1, 65_535)
    .prefault(1000)
    .describe('Messages the broker may send before an acknowledgement; the bound on messages in flight.'),
  client_id: text({ what: 'an MQTT client id of 1 to 128 characters', max: 128 })
    .optional()
    .describe(
      'Names the session at the broker; must be stable and unique there. Default: sedge-AGENT-SOURCE.',
    ),
  version: textChoice(['5', '3.1.1'], [5])
    .prefault('5')
    .describe('MQTT version. 3.1.1 has no Receive Maximum: there the socket is paused instead.'),
  clean: flag()
    .prefault(false)
    .describe('Start without the old session. Messages published while the agent is away are then lost.'),
  session_expiry: duration('0s', '49710d')
    .prefault('7d')
    .describe('How long the broker keeps session and queued messages after a disconnect (MQTT 5).'),
  username: username(),
  password: password(),
  tls: clientTls().optional().describe('Trust and client certificate for mqtts and wss.'),
  keep_alive: duration('1s', '18h')
    .prefault('30s')
    .describe('Silence after which a ping is sent, whole seconds.'),
  connect_timeout: duration('100ms', '10m')
    .prefault('10s')
    .describe('How long a connection attempt may take.'),
  max_packet: size('1KiB', '16MiB')
    .prefault('1MiB')
    .describe(
      'Largest packet accepted; announced to an MQTT 5 broker, which then drops larger ones. What a stream decodes of it: decode.max_payload.',
    ),
  shared_group: text({
    what: 'a share name without /, + and #',
    max: 128,
    pattern: /^[^/+#\0]+$/,
  })
    .optional()
    .describe(
      'Share the subscriptions with the other members of this group ($share/GROUP/…); default: not shared.',
    ),
  backoff: backoff('1s', '1m').describe('Pauses between attempts to connect, jittered.'),
});

const brokerUser = z.strictObject({
  name: text({ what: 'a user name', max: 1024 }).describe('User name the client gives.'),
  password: secret().describe('Reference to the password.'),
  publish: list(topicFilter()).prefault(['#']).describe('Topic filters this user may publish to.'),
  subscribe: list(topicFilter()).prefault([]).describe('Topic filters this user may subscribe to.'),
});

export const brokerSource = z.strictObject({
  type: z.literal('broker').describe('The embedded MQTT broker: sensors connect to this agent.'),
  listen: listen().describe('Where MQTT clients connect; port 0 takes a free one.'),
  websocket: listen().optional().describe('Where MQTT clients connect over WebSocket; default: nowhere.'),
  ack: acknowledge(),
  tls: serverTls().optional().describe('Encrypts both listeners; default: not encrypted.'),
  users: list(brokerUser).prefault([]).describe('Who may connect, and to which topics.'),
  anonymous: flag()
    .optional()
    .describe(
      'Whether clients without a name may connect. Default: true without `users`, else false; reachable from other hosts it should be said explicitly.',
    ),
  max_clients: integer(1, 100_000).prefault(500).describe('Connections at a time; more are refused.'),
  max_packet: size('1KiB', '16MiB')
    .prefault('256KiB')
    .describe(
      'Largest packet; a larger one ends the connection. What a stream decodes of it: decode.max_payload.',
    ),
  receive_maximum: integer(1, 65_535)
    .prefault(1000)
    .describe('Messages one client may have under way unacknowledged.'),
  connect_timeout: duration('100ms', '10m')
    .prefault('10s')
    .describe('Time a new connection has to send its CONNECT packet.'),
  session_expiry: duration('0s', '49710d')
    .prefault('1d')
    .describe('How long the session of a client that left is kept.'),
  session_queue: integer(0, 1_000_000)
    .prefault(1000)
    .describe('Messages kept for a subscriber that is away; older ones go first.'),
});

export const httpSource = z.strictObject({
  type: z.literal('http').describe('An HTTP endpoint that takes readings by POST.'),
  listen: listen().describe('Where the endpoint listens; port 0 takes a free one.'),
  path: text({ what: 'a path that begins with /', type: 'URL path', max: 256, pattern: /^\/[\w./~-]*$/ })
    .prefault('/v1/ingest')
    .describe('Requests go to PATH/TOPIC; the rest of the path is the topic.'),
  ack: acknowledge(),
  token: secret()
    .optional()
    .describe('Reference to the bearer token clients must send. Required unless only this host can connect.'),
  tls: serverTls().optional().describe('Encrypts the endpoint; default: not encrypted.'),
  max_body: size('1KiB', '16MiB')
    .prefault('8MiB')
    .describe(
      'Largest body, after decompression; a larger one gets 413. NDJSON may use all of it; of other formats a stream decodes up to decode.max_payload.',
    ),
});

const speed = () =>
  leaf(
    z
      .union([z.string().regex(/^(?:max|\d+(?:\.\d+)?x)$/), z.number()])
      .transform((value, context): number | 'max' => {
        if (value === 'max') return 'max';
        const factor = typeof value === 'number' ? value : Number(value.slice(0, -1));
        if (factor > 0 && factor <= 1e6) return factor;
        context.addIssue({ code: 'custom', message: noWords });
        return z.NEVER;
      }),
    {
      type: 'factor such as 1x, or max',
      expected: 'a factor such as 1x or 60x (at most 1000000x), or max',
      print: (value: number | 'max') => (value === 'max' ? 'max' : `${value}x`),
    },
  );

export const replaySource = z.strictObject({
  type: z.literal('replay').describe('A recording that is played back.'),
  path: path().describe('File to read, one message a line.'),
  format: choice('ndjson', 'csv').prefault('ndjson').describe('How the file is written.'),
  topic: text({ what: 'a topic', type: 'topic', max: 65_535 })
    .prefault('replay')
    .describe('Topic of lines that name none in a `topic` field or column.'),
  time: text({ what: 'a field name', max: 256 })
    .optional()
    .describe(
      'Field or column that holds the time of a line, which sets the pace; default: `time` where present.',
    ),
  time_unit: choice('s', 'ms', 'us', 'ns', 'rfc3339')
    .optional()
    .describe('Unit of the time field; default: RFC 3339 for text, milliseconds for numbers.'),
  speed: speed()
    .prefault('1x')
    .describe('Pace relative to the recording; max: as fast as the agent takes it.'),
  loop: flag().prefault(false).describe('Begin again at the end, with times moved on.'),
  ack: acknowledge(),
});

export const sourceSchema = z.discriminatedUnion('type', [
  mqttSource,
  brokerSource,
  httpSource,
  replaySource,
]);
