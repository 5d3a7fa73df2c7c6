import { createHash, timingSafeEqual } from 'node:crypto';
import { SedgeError } from '../base/errors.ts';
import type {
  BrokerClient,
  BrokerMessage,
  BrokerPeer,
  BrokerUser,
  EmbeddedBroker,
  EmbeddedBrokerOptions,
  EmbeddedBrokers,
  ListenAddress,
} from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { filterCovers, matchesFilter } from '../reading/topic-filter.ts';
import type { AckMode } from './arrival.ts';
import {
  brokerListening,
  brokerRefused,
  brokerShed,
  brokerTorn,
  brokerUnforwarded,
  brokerUnsaved,
} from './broker-events.ts';
import { DeliveryMarks } from './delivery-marks.ts';
import { limits } from './limits.ts';
import type { MarkKeeper } from './mark-keeper.ts';
import { MqttReceiver, type InletOpener } from './mqtt-receiver.ts';

export interface BrokerSourceOptions {
  readonly name: string;
  readonly ack: AckMode;
  readonly users: readonly BrokerUserOptions[];
  /** Clients without a name may connect, publish and subscribe everywhere. */
  readonly anonymous: boolean;
  /** Messages one client may have under way unacknowledged. */
  readonly receiveMaximum: number;
  readonly broker: EmbeddedBrokerOptions;
}

export interface BrokerUserOptions {
  readonly name: string;
  readonly password: string;
  /** Topic filters. */
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export interface BrokerSourceDependencies {
  readonly brokers: EmbeddedBrokers;
  readonly intake: InletOpener;
  readonly marks: Pick<MarkKeeper, 'of'>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Sensors connect to the agent itself. Each connection has a receiver and an inlet of its own, and so its own credit; the
 * marks belong to the client and outlive its connections. One object runs once: start, then stop.
 */
export class BrokerSource {
  readonly #options: BrokerSourceOptions;
  readonly #dependencies: BrokerSourceDependencies;
  readonly #accounts: readonly Account[];
  readonly #receivers = new Set<MqttReceiver>();
  /**
   * Of clients with a session, by sender, as long as they are connected or something of theirs is unsettled: what one sends again is
   * settled behind what it sent on an earlier connection, and coming back gives no new credit.
   */
  readonly #ofSession = new Map<string, { readonly receiver: MqttReceiver; client: BrokerClient | null }>();
  #wills: MqttReceiver | null = null;
  #broker: EmbeddedBroker | null = null;
  /** Who connects now is not read. */
  #held = false;

  /** @throws {SedgeError} when anybody could connect from elsewhere without this having been said. */
  constructor(options: BrokerSourceOptions, dependencies: BrokerSourceDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#accounts = options.users.map(accountOf);
    if (!options.anonymous && options.users.length === 0)
      throw new SedgeError('SEDGE_CONFIG_INVALID', `source ${options.name}: nobody may connect`, {
        hint: 'add users, or set anonymous: true',
      });
  }

  /** The addresses bound. */
  get addresses(): readonly ListenAddress[] {
    return this.#broker?.addresses ?? [];
  }

  get clients(): number {
    return this.#broker?.clients ?? 0;
  }

  /** @throws {SedgeError} SEDGE_LISTEN_FAILED. */
  async start(): Promise<void> {
    if (this.#broker !== null) return;
    const { name, broker } = this.#options;
    const { telemetry } = this.#dependencies;
    this.#wills = this.#receiverOf(new DeliveryMarks(name, limits.brokerClientMarks), 'none');
    this.#broker = await this.#dependencies.brokers.open(
      { ...broker, receiveMaximum: this.#options.receiveMaximum },
      {
        authenticate: ({ username, password }) => this.#authenticate(username, password),
        connected: (client) => this.#connected(client),
        // Nobody waits for an acknowledgement of a will.
        will: (_client, packet) => this.#wills?.publish({ ...packet, qos: 0 }),
        refused: (reason, message) => brokerRefused(telemetry, name, reason, message),
        unforwarded: (count) => brokerUnforwarded(telemetry, name, count),
        shed: (count) => brokerShed(telemetry, name, count),
        torn: (bytes) => brokerTorn(telemetry, name, bytes),
        unsaved: (message) => brokerUnsaved(telemetry, name, message),
      },
    );
    brokerListening(telemetry, name, this.addresses);
  }

  /** Sends a message of the agent itself to subscribers. False: the broker is not listening. */
  publish(message: BrokerMessage): boolean {
    this.#broker?.publish(message);
    return this.#broker !== null;
  }

  /** Reads nothing more, and keeps the connections, so that what was taken in can still be acknowledged before `stop`. */
  hold(): void {
    this.#held = true;
    for (const receiver of this.#receivers) receiver.hold();
  }

  async stop(): Promise<void> {
    const broker = this.#broker;
    this.#broker = null;
    await broker?.close();
    for (const receiver of this.#receivers) receiver.close();
    this.#receivers.clear();
    this.#ofSession.clear();
    this.#wills = null;
  }

  #authenticate(username: string | null, password: Uint8Array): BrokerUser | null {
    if (username === null) return this.#options.anonymous ? anybody : null;
    const given = digest(password);
    let found: BrokerUser | null = null;
    // Every account is compared, so that the time says nothing about which names exist.
    for (const account of this.#accounts) {
      const right = timingSafeEqual(account.passwordDigest, given);
      if (right && account.name === username) found = account;
    }
    return found;
  }

  async #connected(client: BrokerClient): Promise<BrokerPeer> {
    // Each client numbers its packets by itself: its marks have a source of their own.
    const sender = `${this.#options.name}/${client.clientId}`;
    const marks = await this.#dependencies.marks.of(sender, limits.brokerClientMarks);
    // Without a session nothing is sent again; acknowledged on receipt, nothing has to wait.
    if (!client.clean && this.#options.ack === 'fsynced') return this.#resume(sender, client, marks);
    const receiver = this.#receiverOf(marks, client.clean ? 'none' : 'all');
    if (this.#held) receiver.hold();
    receiver.attach(client);
    if (client.clean) receiver.releaseAll();
    return {
      publish: (packet) => receiver.publish(packet),
      release: (packetId) => receiver.release(packetId),
      closed: () => this.#end(receiver),
    };
  }

  /** A connection of a client with a session; one that it had before is over. */
  #resume(sender: string, client: BrokerClient, marks: DeliveryMarks): BrokerPeer {
    let session = this.#ofSession.get(sender);
    if (session === undefined) {
      const leave = (): void => {
        this.#ofSession.delete(sender);
        this.#end(receiver);
      };
      const receiver = this.#receiverOf(marks, 'all', leave);
      session = { receiver, client };
      this.#ofSession.set(sender, session);
    }
    const { receiver } = session;
    session.client = client;
    if (this.#held) receiver.hold();
    receiver.attach(client);
    return {
      publish: (packet) => {
        if (session.client === client) receiver.publish(packet);
      },
      release: (packetId) => {
        if (session.client === client) receiver.release(packetId);
      },
      closed: () => {
        if (session.client !== client) return;
        session.client = null;
        receiver.detach();
        if (receiver.busy) return;
        this.#ofSession.delete(sender);
        this.#end(receiver);
      },
    };
  }

  #end(receiver: MqttReceiver): void {
    this.#receivers.delete(receiver);
    receiver.close();
  }

  #receiverOf(marks: DeliveryMarks, storedMarks: 'none' | 'all', idle?: () => void): MqttReceiver {
    const { name, ack, receiveMaximum } = this.#options;
    const receiver = new MqttReceiver(
      {
        source: name,
        ack,
        marks,
        windowMax: receiveMaximum,
        bytesMax: limits.brokerClientBytes,
        receiveMaximum: null,
        clock: this.#dependencies.clock,
        overshot: () => undefined,
        storedMarks,
        ...(idle === undefined ? {} : { idle }),
      },
      this.#dependencies.intake,
    );
    this.#receivers.add(receiver);
    return receiver;
  }
}

interface Account extends BrokerUser {
  readonly passwordDigest: Uint8Array;
}

function accountOf(user: BrokerUserOptions): Account {
  return {
    name: user.name,
    passwordDigest: digest(new TextEncoder().encode(user.password)),
    mayPublish: (topic) => user.publish.some((filter) => matchesFilter(filter, topic)),
    maySubscribe: (wanted) => user.subscribe.some((filter) => filterCovers(filter, wanted)),
  };
}

const anybody: BrokerUser = { name: null, mayPublish: () => true, maySubscribe: () => true };

/** Equal lengths for a comparison in constant time. */
function digest(password: Uint8Array): Uint8Array {
  return createHash('sha256').update(password).digest();
}
