import { brokerLimits } from './mqtt-limits.ts';

/** What is used of aedes' memory persistence; it is given bounds by wrapping these. */
export interface BrokerMemory {
  outgoingEnqueueCombi(
    subscriptions: readonly { readonly clientId: string }[],
    packet: unknown,
  ): Promise<void>;
  /** Removes the first queued packet with this message id and answers it. */
  outgoingClearMessageId(
    client: { readonly id: string },
    packet: { readonly messageId?: number },
  ): Promise<unknown>;
  outgoingStream(client: { readonly id: string }): AsyncIterable<{ readonly messageId?: number }>;
  cleanSubscriptions(client: { readonly id: string }): Promise<void>;
  storeRetained(packet: { readonly topic: string; readonly payload: Uint8Array | string }): Promise<void>;
}

/**
 * What the embedded broker remembers for subscribers: sessions, their queues and retained messages, in memory, bounded.
 * Publishers need none of it: their messages are in the buffer when they are acknowledged.
 */
export class BrokerSessions {
  readonly #memory: BrokerMemory;
  readonly #expiryMs: number;
  readonly #queueMax: number;
  /** Messages queued, by client. */
  readonly #queued = new Map<string, number>();
  readonly #retained = new Set<string>();
  /** Clients away, with the time (`performance.now`) their session ends, oldest first. */
  readonly #away = new Map<string, number>();

  constructor(memory: BrokerMemory, options: { expiryMs: number; queueMax: number }) {
    this.#expiryMs = options.expiryMs;
    this.#queueMax = options.queueMax;
    this.#memory = memory;
    this.#bound(memory);
  }

  returned(clientId: string): void {
    this.#away.delete(clientId);
  }

  left(clientId: string, nowMs: number): void {
    this.#away.delete(clientId);
    this.#away.set(clientId, nowMs + this.#expiryMs);
  }

  /** Ends the sessions that are due, and the oldest ones beyond the bound. */
  async sweep(nowMs: number): Promise<void> {
    for (const [clientId, untilMs] of this.#away) {
      if (untilMs > nowMs && this.#away.size <= brokerLimits.sessions) return;
      this.#away.delete(clientId);
      await this.#forget(clientId);
    }
  }

  async #forget(clientId: string): Promise<void> {
    const client = { id: clientId };
    await this.#memory.cleanSubscriptions(client);
    for await (const packet of this.#memory.outgoingStream(client))
      await this.#memory.outgoingClearMessageId(client, packet);
    this.#queued.delete(clientId);
  }

  #bound(inner: BrokerMemory): void {
    const enqueue = inner.outgoingEnqueueCombi.bind(inner);
    const clear = inner.outgoingClearMessageId.bind(inner);
    const retain = inner.storeRetained.bind(inner);
    inner.outgoingEnqueueCombi = async (subscriptions, packet) => {
      const taken: { readonly clientId: string }[] = [];
      for (const subscription of subscriptions) {
        const { clientId } = subscription;
        // Packets not sent yet have no message id: this finds the oldest of them.
        while ((this.#queued.get(clientId) ?? 0) >= this.#queueMax) {
          const dropped = await inner.outgoingClearMessageId({ id: clientId }, {});
          if (dropped === undefined) break;
        }
        if ((this.#queued.get(clientId) ?? 0) >= this.#queueMax) continue;
        this.#queued.set(clientId, (this.#queued.get(clientId) ?? 0) + 1);
        taken.push(subscription);
      }
      await enqueue(taken, packet);
    };
    inner.outgoingClearMessageId = async (client, packet) => {
      const cleared = await clear(client, packet);
      const left = (this.#queued.get(client.id) ?? 0) - (cleared === undefined ? 0 : 1);
      if (left > 0) this.#queued.set(client.id, left);
      else this.#queued.delete(client.id);
      return cleared;
    };
    inner.storeRetained = async (packet) => {
      if (packet.payload.length === 0) this.#retained.delete(packet.topic);
      else if (this.#retained.size >= brokerLimits.retained && !this.#retained.has(packet.topic)) return;
      else this.#retained.add(packet.topic);
      await retain(packet);
    };
  }
}
