/** MQTT as the ingest room sees it: connections to brokers, and the broker inside. The host implements both. */

export interface TlsOptions {
  /** PEM. Absent: the system's authorities. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False accepts any certificate. */
  readonly verify: boolean;
}

export interface MqttLinkOptions {
  /** mqtt:, mqtts:, ws: or wss:, without user information. */
  readonly url: string;
  readonly version: '3.1.1' | '5';
  readonly clientId: string;
  /** True asks the broker for a new session that ends with the connection. */
  readonly clean: boolean;
  /** Seconds the broker keeps the session after the connection ends (MQTT 5). */
  readonly sessionExpirySeconds: number;
  readonly keepAliveSeconds: number;
  readonly connectTimeoutMs: number;
  /** Advertised to the broker (MQTT 5): messages of QoS 1 and 2 it may send without acknowledgement. */
  readonly receiveMaximum: number;
  /** Larger packets end the connection. */
  readonly packetBytesMax: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsOptions;
}

/** Opens connections as a client. One link is one network connection; it never reconnects by itself. */
export interface MqttLinks {
  open(options: MqttLinkOptions, events: MqttLinkEvents): MqttLink;
}

/** None of these may throw; all but `closed` come only between `connected` and `closed`. */
export interface MqttLinkEvents {
  connected(info: { readonly sessionPresent: boolean }): void;
  /** Not acknowledged by the link: that is the receiver's to do. The payload may be a view of a larger buffer. */
  publish(packet: MqttPublish): void;
  /** PUBREL: the sender has given this packet id back. Answer it with `pubcomp`. */
  release(packetId: number): void;
  /** Exactly once, also when the connection never came about. */
  closed(reason: MqttCloseReason): void;
}

export interface MqttPublish {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly dup: boolean;
  readonly retain: boolean;
  /** 1 … 65,535; 0 with QoS 0. */
  readonly packetId: number;
  /** MQTT 5: the properties as they came, without their length; absent when there are none. */
  readonly properties?: Uint8Array;
}

export interface MqttCloseReason {
  /** `refused`: the broker answered CONNECT with a refusal that waiting does not mend. `asked`: by `close`. */
  readonly kind: 'refused' | 'network' | 'protocol' | 'asked';
  /** One line, without secrets. */
  readonly message: string;
}

export interface MqttAck {
  readonly ack: 'puback' | 'pubrec' | 'pubcomp';
  readonly packetId: number;
}

export interface MqttLink {
  /** Answers the filters the broker refused, with its words; rejects only when the connection ends first. */
  subscribe(filters: readonly string[], qos: 0 | 1 | 2): Promise<readonly MqttRefusal[]>;
  /** Writes acknowledgements, in this order, in one write. Nothing is written after `closed`. */
  acknowledge(acks: readonly MqttAck[]): void;
  /** Stops reading the socket. The connection is kept alive meanwhile. Safe to call twice. */
  pause(): void;
  resume(): void;
  /** DISCONNECT and end; the session stays. */
  close(): void;
}

export interface MqttRefusal {
  readonly filter: string;
  readonly message: string;
}

/** A broker inside this process that clients connect to. MQTT 3.1, 3.1.1 and 5. */
export interface EmbeddedBrokers {
  /** @throws {SedgeError} SEDGE_LISTEN_FAILED when an address cannot be bound. */
  open(options: EmbeddedBrokerOptions, events: BrokerEvents): Promise<EmbeddedBroker>;
}

export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface EmbeddedBrokerOptions {
  readonly listen: ListenAddress;
  readonly websocket?: ListenAddress;
  /** PEM texts, for both listeners; with `clientCa`, clients must show a certificate of one of these authorities. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  readonly clientsMax: number;
  readonly packetBytesMax: number;
  readonly connectTimeoutMs: number;
  /** How long the subscriptions of a client that left are kept. */
  readonly sessionExpiryMs: number;
  /** Messages kept for a subscriber that is away; the oldest go first. */
  readonly sessionQueueMax: number;
  /** Where sessions, their queues, retained messages and wills outlive the process; absent: nowhere. */
  readonly sessionsFile?: string;
  /** Told to MQTT 5 clients: messages one may have under way unacknowledged. Default: no bound. */
  readonly receiveMaximum?: number;
}

export interface EmbeddedBroker {
  /** The addresses bound, in the order of the options. */
  readonly addresses: readonly ListenAddress[];
  readonly clients: number;
  /**
   * A message of the agent itself, QoS 1, not retained: goes to whoever is subscribed and into the queues of sessions that are away.
   * No user's permissions count, and no source takes it in.
   */
  publish(message: BrokerMessage): void;
  /** Ends every connection and stops listening. Safe to call twice. */
  close(): Promise<void>;
}

export interface BrokerMessage {
  /** Without wildcards, not in `$`. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly contentType: string;
  readonly userProperties: Readonly<Record<string, string>>;
}

export interface BrokerEvents {
  /** Whom this name and password belong to; null refuses. */
  authenticate(credentials: {
    readonly username: string | null;
    readonly password: Uint8Array;
  }): BrokerUser | null;
  /** A client is connected. Its messages come once the promise resolves. */
  connected(client: BrokerClient): Promise<BrokerPeer>;
  /** The last will of a client that went away without a word. */
  will(client: { readonly clientId: string; readonly user: BrokerUser }, packet: MqttPublish): void;
  /** A connection was refused or broken off; `message` is one line. */
  refused(reason: 'clients' | 'credentials' | 'protocol' | 'permission' | 'slow', message: string): void;
  /** Subscribers were so slow that a message did not reach them. It was taken in all the same. */
  unforwarded(count: number): void;
  /** Messages kept for sessions were given up, the oldest first, so that the bounds hold. */
  shed(count: number): void;
  /** The file of the sessions ended in bytes that are no whole record: a crash leaves some, a failing device more. */
  torn(bytes: number): void;
  /** Sessions do not outlive the process for the time being (one line), or do again (null). */
  unsaved(message: string | null): void;
}

export interface BrokerUser {
  /** Null: anonymous. */
  readonly name: string | null;
  mayPublish(topic: string): boolean;
  maySubscribe(filter: string): boolean;
}

export interface BrokerClient {
  readonly clientId: string;
  readonly user: BrokerUser;
  /** The client wants no session: nothing of an earlier connection counts. */
  readonly clean: boolean;
  acknowledge(acks: readonly MqttAck[]): void;
  pause(): void;
  resume(): void;
}

/** None may throw. */
export interface BrokerPeer {
  /** The topic is one this client may publish to. */
  publish(packet: MqttPublish): void;
  release(packetId: number): void;
  closed(): void;
}
