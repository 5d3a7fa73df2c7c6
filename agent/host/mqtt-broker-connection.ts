import type { AedesPublishPacket, ConnectPacket } from 'aedes';
import { randomUUID } from 'node:crypto';
import type { BrokerPeer, BrokerUser, EmbeddedBrokerOptions } from '../ports/broker.ts';
import { filterProblem, matchesFilter } from '../reading/topic-filter.ts';
import { type FiveSide, connackOf } from './mqtt-broker-five.ts';
import { propertiesOf } from './mqtt-broker-persistence.ts';
import { type MessageProperties, propertiesHead } from './mqtt-broker-properties.ts';
import type { BrokerSessions } from './mqtt-broker-sessions.ts';
import { brokerLimits, mqttLimits } from './mqtt-limits.ts';
import type { Gate } from './mqtt-gate.ts';

/** One connection. aedes knows it by its gate. */
export interface Connection {
  readonly gate: Gate;
  user: BrokerUser | null;
  peer: BrokerPeer | null;
  clientId: string;
  /** 0: none asked. */
  keepAliveMs: number;
  /** The topic allowed last: sensors publish to few. */
  allowedTopic: string;
  /** The same for what it subscribed to. */
  receivedTopic: string;
  /** How long it wants its session kept. */
  expiryMs: number;
  /** It wants no session of before. */
  cleanStart: boolean;
  /** Set when it speaks MQTT 5. */
  five: FiveSide | null;
  /** Its CONNECT, until it is let in. */
  connect: ConnectPacket | null;
  /** Where the log of the sessions stands behind what it published. */
  forwardedUpTo: number;
}

export function connectionOf(gate: Gate): Connection {
  return {
    gate,
    user: null,
    peer: null,
    clientId: '',
    keepAliveMs: 0,
    allowedTopic: '',
    receivedTopic: '',
    expiryMs: Number.POSITIVE_INFINITY,
    cleanStart: false,
    five: null,
    connect: null,
    forwardedUpTo: 0,
  };
}

/** MQTT 5 §3.1.2.11, as the parser names them. */
interface ConnectProperties {
  readonly sessionExpiryInterval?: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly authenticationMethod?: string;
}

/** Kept for ever (§3.1.2.11.2). */
const forever = 0xff_ff_ff_ff;

/**
 * Turns an MQTT 5 CONNECT into one that aedes takes; `login` turns the version back, because aedes' parser reads the rest by it. Answers
 * false when the client asks for what there is none of.
 */
export function prepareFive(
  connection: Connection,
  five: FiveSide,
  packet: ConnectPacket,
  options: EmbeddedBrokerOptions,
): boolean {
  const open = packet as Omit<ConnectPacket, 'clientId' | 'clean'> & {
    protocolVersion: number;
    clientId: string;
    clean: boolean;
    readonly properties?: ConnectProperties;
  };
  const { properties = {} } = open;
  if (properties.authenticationMethod !== undefined) return false;
  const wanted = properties.sessionExpiryInterval ?? 0;
  const most = Math.floor(options.sessionExpiryMs / 1_000);
  connection.expiryMs = (wanted === forever ? most : wanted) * 1_000;
  connection.cleanStart = open.clean;
  open.clean = connection.cleanStart && wanted === 0;
  const assignedClientId = open.clientId === '' ? `sedge-${randomUUID()}` : null;
  if (assignedClientId !== null) open.clientId = assignedClientId;
  five.connected({
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    packetBytesMax: properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    greeting: {
      receiveMaximum: options.receiveMaximum ?? 65_535,
      packetBytesMax: options.packetBytesMax,
      sessionExpirySeconds: wanted > most ? most : null,
      assignedClientId,
    },
  });
  open.protocolVersion = 4;
  connection.connect = packet;
  return true;
}

/** Why a CONNECT is not even tried. */
export interface ConnectProblem {
  readonly connack: Uint8Array;
  /** Completes "a client". */
  readonly what: string;
}

export function connectProblem(
  clientId: string,
  five: FiveSide | null,
  prepare: () => boolean,
): ConnectProblem | null {
  if (clientId.length > brokerLimits.clientIdChars) {
    const what = `gave a client id of more than ${brokerLimits.clientIdChars} characters`;
    return { connack: five === null ? Buffer.from([0x20, 2, 0, 2]) : connackOf(0x85), what };
  }
  if (prepare()) return null;
  return { connack: connackOf(0x8c), what: 'asked for an authentication method; there are none' };
}

/** What is worth a line of the errors with which aedes ends a connection; the rest is the network's. */
export function causeOf(
  clientId: string | null,
  error: Error,
): { readonly reason: 'slow' | 'protocol'; readonly message: string } | null {
  const name = clientId === null ? 'a client' : `client ${shown(clientId)}`;
  if (error.message === 'drain timeout')
    return { reason: 'slow', message: `${name} takes no messages and was cut off` };
  if (error.message === 'connect did not arrive in time')
    return { reason: 'protocol', message: `${name} sent no CONNECT in time` };
  return null;
}

/** A client of aedes, as far as its subscriptions go. */
export interface SubscribedClient {
  readonly id: string;
  readonly clean: boolean;
  readonly subscriptions: Readonly<Record<string, { readonly rh?: number }>>;
}

/** Whether a client may have one subscription more. */
export function admits(
  { user }: Connection,
  { id, subscriptions }: SubscribedClient,
  filter: string,
  sessions: BrokerSessions,
): boolean {
  if (filter.length > brokerLimits.filterChars || filter.startsWith('$') || filterProblem(filter) !== null)
    return false;
  if (user?.maySubscribe(filter) !== true) return false;
  if (filter in subscriptions) return true;
  return Object.keys(subscriptions).length < brokerLimits.filters && sessions.fits(id, filter);
}

/** Whether a client gets a message, also one that was queued or retained before its permissions were narrowed; makes it ready then. */
export function mayReceive(
  connection: Connection,
  client: SubscribedClient,
  packet: AedesPublishPacket,
  sessions: BrokerSessions,
): boolean {
  const { topic, brokerCounter } = packet;
  if (topic !== connection.receivedTopic) {
    if (connection.user?.maySubscribe(topic) !== true) return false;
    connection.receivedTopic = topic;
  }
  // While the queue of a client that came back is sent, what it holds arises a second time.
  const live = (packet as { messageId?: number }).messageId === undefined && packet.qos > 0;
  if (live && !client.clean && sessions.wasSent(client.id, brokerCounter)) return false;
  // One that aedes brings from the store of retained messages comes without broker and properties.
  const stored = packet.retain && packet.brokerId === null;
  if (stored && !wantsRetained(client, topic)) return false;
  const retained = stored ? sessions.state.retained.get(topic) : undefined;
  const given = retained?.properties ?? propertiesOf((packet as { properties?: unknown }).properties);
  return dressed(connection, packet, given, Date.now());
}

/** Not when all subscriptions that take it said so (MQTT 5, retain handling 2). */
function wantsRetained({ subscriptions }: SubscribedClient, topic: string): boolean {
  const handling = Object.entries(subscriptions).filter(([filter]) => matchesFilter(filter, topic));
  return handling.length === 0 || handling.some(([, { rh }]) => rh !== 2);
}

/**
 * Puts the properties of a message before its payload for a client that speaks MQTT 5: they belong there, and aedes, which writes 3.1.1, takes
 * them for payload. False: the message expired.
 */
function dressed(
  { five }: Connection,
  packet: { payload: string | Buffer },
  properties: MessageProperties,
  wallMs: number,
): boolean {
  if (properties.expiresMs > 0 && properties.expiresMs <= wallMs) return false;
  if (five !== null)
    packet.payload = Buffer.concat([propertiesHead(properties, wallMs), Buffer.from(packet.payload)]);
  return true;
}

export interface WillPacket {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

export const shown = (text: string): string => JSON.stringify(text.slice(0, 100));
/** CONNACK 5. */
export const notAuthorized = Object.assign(new Error('not authorized'), { returnCode: 5 });
/** CONNACK 4 (3.1.1, table 3.1). */
export const wrongCredentials = Object.assign(new Error('bad user name or password'), { returnCode: 4 });
export const noBytes = new Uint8Array(0);
export const gates = new WeakMap<Gate, Connection>();

/** Topics a client may publish to: no wildcards (3.1.1, §3.3.2.1) and none of the broker's own. */
/** Answers a CONNECT and ends. */
export function turnAway({ gate }: Connection, { connack }: ConnectProblem): void {
  gate.writeAside(connack);
  gate.end();
  setTimeout(() => gate.destroy(), mqttLimits.closeGraceMs).unref();
}

/** Who may publish to one topic and nothing else. */
export const publisherTo = (topic: string): BrokerUser => ({
  name: null,
  mayPublish: (one) => one === topic,
  maySubscribe: () => false,
});

/** MQTT 5 PUBACK or PUBREC: Not authorized. */
export const notAuthorizedAck = (qos: 1 | 2, packetId: number): Buffer =>
  Buffer.from([qos === 1 ? 0x40 : 0x50, 3, packetId >> 8, packetId & 255, 0x87]);

export function mayPublish(user: BrokerUser, topic: string): boolean {
  return !topic.startsWith('$') && !topic.includes('#') && !topic.includes('+') && user.mayPublish(topic);
}
