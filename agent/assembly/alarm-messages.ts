import type { Config, MqttSourceConfig, SourceConfig } from '../config/schema/config.ts';
import type { Secrets } from '../host/secrets.ts';
import { readClientTls } from '../host/tls-files.ts';
import { MqttJsPublisher } from '../host/uplink-mqtt.ts';
import type { Command } from '../pipeline/stage.ts';
import type { BrokerMessage } from '../ports/broker.ts';
import type { Publisher } from '../ports/publisher.ts';
import type { Clock } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { AlarmOutbox } from './alarm-outbox.ts';

interface Ports {
  /** Sends to the subscribers of an embedded broker; false: it is not listening. */
  readonly embedded: (source: string, message: BrokerMessage) => boolean;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly secrets: Secrets;
}

/**
 * Brings the commands of `alert` stages to the broker they go by: an MQTT source's, over a connection of its own that is made with the
 * first alarm, or the embedded one.
 */
export class AlarmMessages {
  readonly #ports: Ports;
  #config: Config;
  readonly #outboxes = new Map<string, { readonly made: SourceConfig; readonly outbox: AlarmOutbox }>();

  constructor(config: Config, ports: Ports) {
    this.#config = config;
    this.#ports = ports;
  }

  /** Connections of sources that changed are made anew with their next alarm. */
  async configure(config: Config): Promise<void> {
    this.#config = config;
    for (const [name, { made, outbox }] of this.#outboxes) {
      if (JSON.stringify(config.sources[name]) === JSON.stringify(made)) continue;
      this.#outboxes.delete(name);
      await outbox.stop();
    }
  }

  send(stream: string, commands: readonly Command[]): void {
    for (const { rule, topic, payload } of commands) {
      const source = sourceOf(this.#config, stream, rule);
      if (source !== null) this.#outboxOf(source)?.send({ stream, topic, payload });
    }
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    const outboxes = [...this.#outboxes.values()];
    this.#outboxes.clear();
    for (const { outbox } of outboxes) await outbox.stop();
  }

  #outboxOf(name: string): AlarmOutbox | null {
    const known = this.#outboxes.get(name);
    if (known !== undefined) return known.outbox;
    const source = this.#config.sources[name];
    const publisher = source === undefined ? null : this.#publisherOf(name, source);
    if (source === undefined || publisher === null) return null;
    const { clock, telemetry } = this.#ports;
    const outbox = new AlarmOutbox({ publisher, clock, telemetry, source: name });
    this.#outboxes.set(name, { made: source, outbox });
    return outbox;
  }

  #publisherOf(name: string, source: SourceConfig): Publisher | null {
    if (source.type === 'mqtt') return clientOf(name, source, this.#ports.secrets);
    return source.type === 'broker' ? embeddedPublisher(name, this.#ports.embedded) : null;
  }
}

function clientOf(name: string, source: MqttSourceConfig, secrets: Secrets): Publisher {
  return new MqttJsPublisher({
    url: source.url,
    clientId: `${source.client_id ?? name}-alarms`,
    version: source.version,
    keepAliveSeconds: Math.max(1, Math.round(source.keep_alive / 1000)),
    ...(source.username === undefined ? {} : { username: source.username }),
    ...(source.password === undefined ? {} : { password: secrets.read(source.password.secret) }),
    ...(source.tls === undefined ? {} : { tls: readClientTls(source.tls, secrets) }),
  });
}

/** The broker of this process, for who thinks it is elsewhere. */
function embeddedPublisher(name: string, send: Ports['embedded']): Publisher {
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    publish: (message) =>
      Promise.resolve(
        send(name, message)
          ? { ok: true }
          : { ok: false, trouble: 'unreachable', message: 'the embedded broker is not listening' },
      ),
  };
}

/** The source an alert goes by: the one it names, else the first with a broker that its stream takes messages from. */
export function sourceOf(config: Config, stream: string, rule: string): string | null {
  const configured = config.streams[stream];
  const stage = configured?.stages[Number.parseInt(rule, 10)];
  if (configured === undefined || stage === undefined || !('alert' in stage)) return null;
  const hasBroker = (name: string): boolean => ['mqtt', 'broker'].includes(config.sources[name]?.type ?? '');
  return stage.alert.via ?? configured.from.find(hasBroker) ?? null;
}
