import type {
  MqttAck,
  MqttLink,
  MqttLinkEvents,
  MqttLinkOptions,
  MqttLinks,
  MqttPublish,
  MqttRefusal,
} from '#agent/ports/broker.ts';

/** Connections played by the test: `link.events` is the broker's side. */
export class ScriptedLinks implements MqttLinks {
  readonly links: ScriptedLink[] = [];

  open(options: MqttLinkOptions, events: MqttLinkEvents): MqttLink {
    const link = new ScriptedLink(options, events);
    this.links.push(link);
    return link;
  }

  get last(): ScriptedLink {
    return this.links.at(-1)!;
  }
}

export class ScriptedLink implements MqttLink {
  readonly options: MqttLinkOptions;
  readonly events: MqttLinkEvents;
  readonly acks: string[] = [];
  /** Number of `acknowledge` calls. */
  writes = 0;
  readonly subscriptions: string[] = [];
  refusals: readonly MqttRefusal[] = [];
  paused = false;

  constructor(options: MqttLinkOptions, events: MqttLinkEvents) {
    this.options = options;
    this.events = events;
  }

  subscribe(filters: readonly string[]): Promise<readonly MqttRefusal[]> {
    this.subscriptions.push(...filters);
    return Promise.resolve(this.refusals);
  }

  acknowledge(acks: readonly MqttAck[]): void {
    this.writes++;
    this.acks.push(...acks.map(({ ack, packetId }) => `${ack} ${packetId}`));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(): void {
    this.events.closed({ kind: 'asked', message: 'closed' });
  }

  publish(packetId: number, text: string, more: Partial<MqttPublish> = {}): void {
    this.events.publish({
      topic: 'a/1',
      payload: Buffer.from(text),
      qos: 1,
      dup: false,
      retain: false,
      packetId,
      ...more,
    });
  }
}
