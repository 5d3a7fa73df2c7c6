import { appendFileSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { HostClock } from '#agent/host/clock.ts';
import { HostEntropy } from '#agent/host/entropy.ts';
import { MqttJsLinks } from '#agent/host/mqtt-client.ts';
import { Intake } from '#agent/ingest/intake.ts';
import { MqttSource } from '#agent/ingest/mqtt-source.ts';
import type { Store } from '#agent/ports/store.ts';
import type { DeliveryMark, JournalEntry } from '#agent/reading/journal-entry.ts';
import { keeperOf, ListedDeadLetters, RecordingTelemetry, plan, router } from '#test/support/mqtt-fakes.ts';

/**
 * A process to be killed: takes `a/#` from a broker into a file, one line a commit, synced before it is acknowledged.
 * Arguments: file, url, MQTT version, QoS.
 */
const [file, url, version, qos] = process.argv.slice(2) as [string, string, '5' | '3.1.1', string];

export interface CommitLine {
  readonly texts: readonly string[];
  readonly marks: readonly DeliveryMark[];
}

/** A line that a kill cut short is no commit. */
function commits(): CommitLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  if (lines.pop() !== '') appendFileSync(file, '\n');
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as CommitLine];
    } catch {
      return [];
    }
  });
}

const textsOf = (entry: JournalEntry): string[] =>
  (entry.batch?.columns ?? []).flatMap((column) => (column.kind === 'text' ? column.values.slice() : []));

const earlier = commits();
const descriptor = openSync(file, 'a');
const store: Pick<Store, 'append' | 'appendBytesMax' | 'unstorable'> = {
  appendBytesMax: 4 * 1_048_576,
  unstorable: () => null,
  append: async (entries) => {
    const line: CommitLine = {
      texts: entries.flatMap(textsOf),
      marks: entries.flatMap((entry) => entry.marks),
    };
    writeSync(descriptor, `${JSON.stringify(line)}\n`);
    fsyncSync(descriptor);
    // The acknowledgement leaves in a later turn, so that kills come between commit and acknowledgement, too.
    await new Promise((resolve) => setImmediate(resolve));
    return { ok: true };
  },
};
const clock = new HostClock();
const telemetry = new RecordingTelemetry();
const intake = new Intake({
  store,
  router,
  plans: [plan('a')],
  deadLetters: new ListedDeadLetters(),
  clock,
  telemetry,
  defer: (run) => void setImmediate(run),
});
const source = new MqttSource(
  {
    name: 'line',
    topics: ['a/#'],
    qos: Number(qos) as 1 | 2,
    ack: 'fsynced',
    backoffMsMin: 20,
    backoffMsMax: 100,
    link: {
      url,
      version,
      clientId: 'drill',
      clean: false,
      sessionExpirySeconds: 600,
      keepAliveSeconds: 30,
      connectTimeoutMs: 30_000,
      receiveMaximum: 100,
      packetBytesMax: 100_000,
    },
  },
  {
    links: new MqttJsLinks(),
    intake,
    marks: keeperOf(earlier.flatMap(({ marks }) => marks)),
    clock,
    entropy: new HostEntropy(),
    telemetry,
  },
);
await source.start();
// The clock's alarms keep no process alive, and between two connections nothing else would.
setInterval(() => undefined, 1_000);
