import type { Config, MqttSourceConfig } from '../config/schema/config.ts';
import type { Secrets } from '../host/secrets.ts';
import { readClientTls } from '../host/tls-files.ts';
import { MqttJsPublisher } from '../host/uplink-mqtt.ts';
import type { Command } from '../pipeline/stage.ts';
import type { Clock } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { AlarmOutbox } from './alarm-outbox.ts';

interface Ports {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly secrets: Secrets;
}

/** Brings the commands of `alert` stages to the broker of the MQTT source they go by. One connection a source, made with the first alarm. */
export class AlarmMessages {
  readonly #ports: Ports;
  #config: Config;
  readonly #outboxes = new Map<string, { readonly made: MqttSourceConfig; readonly outbox: AlarmOutbox }>();

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
    if (source?.type !== 'mqtt') return null;
    const { clock, telemetry, secrets } = this.#ports;
    const publisher = new MqttJsPublisher({
      url: source.url,
      clientId: `${source.client_id ?? name}-alarms`,
      version: source.version,
      keepAliveSeconds: Math.max(1, Math.round(source.keep_alive / 1000)),
      ...(source.username === undefined ? {} : { username: source.username }),
      ...(source.password === undefined ? {} : { password: secrets.read(source.password.secret) }),
      ...(source.tls === undefined ? {} : { tls: readClientTls(source.tls, secrets) }),
    });
    const outbox = new AlarmOutbox({ publisher, clock, telemetry, source: name });
    this.#outboxes.set(name, { made: source, outbox });
    return outbox;
  }
}

/** The source an alert goes by: the one it names, else the first MQTT source its stream takes messages from. */
export function sourceOf(config: Config, stream: string, rule: string): string | null {
  const configured = config.streams[stream];
  const stage = configured?.stages[Number.parseInt(rule, 10)];
  if (configured === undefined || stage === undefined || !('alert' in stage)) return null;
  return stage.alert.via ?? configured.from.find((name) => config.sources[name]?.type === 'mqtt') ?? null;
}
