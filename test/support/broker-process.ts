import { HostClock } from '#agent/host/clock.ts';
import { AedesBrokers } from '#agent/host/mqtt-broker.ts';

/**
 * A process to be killed: the embedded broker alone; what is published is acknowledged at once.
 * Arguments: file of the sessions, port (0: any), JSON with further options. Prints the port, then one line an event.
 */
const [file, port, more] = process.argv.slice(2) as [string, string, string | undefined];
const clock = new HostClock();
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const broker = await new AedesBrokers().open(
  {
    listen: { host: '127.0.0.1', port: Number(port) },
    clientsMax: 50,
    packetBytesMax: 300_000,
    connectTimeoutMs: 30_000,
    sessionExpiryMs: 60_000,
    sessionQueueMax: 1_000,
    sessionsFile: file,
    ...(JSON.parse(more ?? '{}') as object),
  },
  {
    authenticate: ({ username }) => ({ name: username, mayPublish: () => true, maySubscribe: () => true }),
    connected: (client) =>
      Promise.resolve({
        publish: ({ qos, packetId }) => {
          if (qos > 0) client.acknowledge([{ ack: qos === 1 ? 'puback' : 'pubrec', packetId }]);
        },
        release: (packetId) => client.acknowledge([{ ack: 'pubcomp', packetId }]),
        closed: () => undefined,
      }),
    will: (_client, { topic }) => say({ will: topic }),
    refused: (reason, message) => say({ refused: reason, message }),
    unforwarded: (count) => say({ unforwarded: count }),
    shed: (count) => say({ shed: count }),
    torn: (bytes) => say({ torn: bytes }),
    unsaved: (message) => say({ unsaved: message }),
  },
);
say({ port: broker.addresses[0]!.port, at: clock.wall() });
process.on('SIGTERM', () => void broker.close().then(() => process.exit(0)));
