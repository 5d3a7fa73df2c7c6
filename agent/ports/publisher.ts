import type { Millis } from '../base/units.ts';

/** An MQTT connection that only publishes. It reconnects by itself; while it is away, publishes answer at once. */
export interface Publisher {
  start(): Promise<void>;
  /** Publishes under way answer `closed`. Safe to call twice. */
  stop(): Promise<void>;
  /** QoS 1. Never rejects. Properties are dropped where the broker speaks MQTT 3.1.1. */
  publish(message: OutgoingMessage): Promise<PublishAnswer>;
}

export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly contentType: string;
  readonly userProperties: Readonly<Record<string, string>>;
  /** From the call to the PUBACK. */
  readonly timeoutMs: Millis;
}

export type PublishAnswer =
  | { readonly ok: true }
  /** `rejected`: the broker answered with reason code `code` (MQTT 5, 0x80 and above). */
  | { readonly ok: false; readonly trouble: 'rejected'; readonly code: number; readonly message: string }
  /** The broker announced a Maximum Packet Size below this message. */
  | { readonly ok: false; readonly trouble: 'too_big'; readonly message: string }
  | { readonly ok: false; readonly trouble: 'denied'; readonly message: string }
  | {
      readonly ok: false;
      readonly trouble: 'unreachable' | 'timeout' | 'closed';
      readonly message: string;
    };
