import type { AgentId } from './agent-id.ts';
import type { Core } from './core.ts';
import { limits } from './limits.ts';

interface RelayedPing {
  readonly asker: AgentId;
  readonly askerSequence: number;
  readonly target: AgentId;
  readonly nackAt: number;
}

/** Pings sent for others, whose own path to the target may be the broken part. */
export class Relaying {
  readonly #core: Core;
  readonly #pings = new Map<number, RelayedPing>();

  constructor(core: Core) {
    this.#core = core;
  }

  get waiting(): number {
    return this.#pings.size;
  }

  asked(
    asker: AgentId,
    request: { readonly sequence: number; readonly target: AgentId; readonly waitMs: number },
  ): void {
    const core = this.#core;
    const address = core.addressOf(request.target);
    if (address === null || this.#pings.size >= limits.relayedPingsMax) return;
    const sequence = core.nextSequence();
    const nackAt = core.now + Math.max(1, Math.min(request.waitMs, limits.relayWaitMsMax));
    this.#pings.set(sequence, {
      asker,
      askerSequence: request.sequence,
      target: request.target,
      nackAt,
    });
    const claims = core.claimsFor(request.target);
    core.send({ agent: request.target, address }, { kind: 'ping', sequence, claims });
  }

  acknowledged(from: AgentId, sequence: number): void {
    const ping = this.#pings.get(sequence);
    if (ping === undefined || ping.target !== from) return;
    this.#pings.delete(sequence);
    this.#answer(ping, 'ack');
  }

  dueAt(): number {
    let at = Infinity;
    for (const ping of this.#pings.values()) at = Math.min(at, ping.nackAt);
    return at;
  }

  runDue(): void {
    for (const [sequence, ping] of Array.from(this.#pings)) {
      if (ping.nackAt > this.#core.now) continue;
      this.#pings.delete(sequence);
      this.#answer(ping, 'nack');
    }
  }

  /** Whoever asked has given up by now. */
  forget(): void {
    this.#pings.clear();
  }

  #answer(ping: RelayedPing, kind: 'ack' | 'nack'): void {
    const core = this.#core;
    const claims = core.claimsFor(ping.asker);
    const to = { agent: ping.asker, address: core.addressOf(ping.asker) };
    core.send(to, { kind, sequence: ping.askerSequence, claims });
  }
}
