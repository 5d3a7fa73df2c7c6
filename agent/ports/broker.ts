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
