import { connect, type Socket } from 'node:net';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { assert } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';

/** A message to publish, made from its number when its turn comes. */
export interface FloodMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
}

export interface FloodOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** Messages 0 … total - 1. */
  readonly total: number;
  /** Publishes in flight without acknowledgement, 1 … 65,535. */
  readonly window: number;
  /** At most this many messages a second, evenly in slices of 10 ms; absent: as fast as acknowledgements come. */
  readonly perSecond?: number;
  /** Longest wait for a CONNACK before the connection is given up; default 5 s. */
  readonly connectMsMax?: number;
  /** Asked once a message: what is sent again is the same to the byte. */
  message(sequence: number): FloodMessage;
}

interface Flight {
  readonly sequence: number;
  readonly sentAt: number;
  /** The PUBLISH as it was sent. */
  readonly bytes: Buffer;
}

const retryDelayMs = 100;
/** Bit of a PUBLISH's first byte (MQTT 3.1.1 §3.3.1.1). */
const dupFlag = 0x08;
const sliceMs = 10;

/**
 * Publishes numbered messages at QoS 1 and remembers which were acknowledged: the honest witness of every drill. It keeps
 * its session over broken connections and sends again, with DUP, what was not acknowledged.
 */
export class FloodPublisher {
  readonly #options: FloodOptions;
  /** One byte a message: 1 once its PUBACK came. */
  readonly acknowledged: Uint8Array;
  acknowledgedCount = 0;
  /** Milliseconds from publish to PUBACK of the latest messages, for percentiles; filled only when asked for. */
  readonly latencyMs: number[] = [];
  measureLatency = false;
  #next = 0;
  /** By packet id. */
  readonly #inFlight = new Map<number, Flight>();
  #packetId = 0;
  #socket: Socket | undefined;
  #connected = false;
  #stopped = false;
  #paused = false;
  #problem = 'not started';
  #lastAckAt = performance.now();
  #credit = 0;
  #slice: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #done = Promise.withResolvers<void>();

  constructor(options: FloodOptions) {
    assert(options.window >= 1 && options.window <= 65_535, 'window is a packet id range');
    this.#options = options;
    this.acknowledged = new Uint8Array(options.total);
  }

  /** Where it stands, for a drill that does not get on. */
  get words(): string {
    const state = this.#stopped ? 'ended' : this.#connected ? 'connected' : `not connected: ${this.#problem}`;
    const seconds = Math.round((performance.now() - this.#lastAckAt) / 1_000);
    return `publisher ${state}, ${this.#inFlight.size} unacknowledged, last PUBACK ${seconds} s ago`;
  }

  /** Messages sent at least once. */
  get published(): number {
    return this.#next;
  }

  start(): void {
    if (this.#socket !== undefined || this.#stopped) return;
    const { perSecond } = this.#options;
    if (perSecond !== undefined) {
      this.#slice = setInterval(() => {
        this.#credit = Math.min(this.#credit + (perSecond * sliceMs) / 1000, perSecond);
        this.#fill();
      }, sliceMs);
    } else this.#credit = Number.POSITIVE_INFINITY;
    this.#connect();
  }

  /** Resolves when every message is acknowledged, or after `stop`. */
  finished(): Promise<void> {
    return this.#done.promise;
  }

  /** Publishes nothing new until {@link resume}; what is under way is still acknowledged. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#fill();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#slice);
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    this.#done.resolve();
  }

  #connect(): void {
    const { host, port, clientId, username, password, connectMsMax = 5_000 } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    const giveUp = (problem: string): void => {
      this.#problem = problem;
      socket.destroy();
    };
    const patience = setTimeout(() => {
      if (!this.#connected) giveUp(`no CONNACK within ${connectMsMax} ms`);
    }, connectMsMax);
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connack' && packet.returnCode !== 0)
        giveUp(`refused with CONNACK ${packet.returnCode}`);
      else this.#receive(packet);
    });
    parser.on('error', (error) => giveUp(messageOf(error)));
    socket.on('data', (bytes: Buffer) => void parser.parse(bytes));
    socket.on('connect', () => {
      // Where nobody listens on a port of the ephemeral range, the kernel may connect a socket to itself, and the port is taken.
      if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress)
        return giveUp('nobody listens');
      socket.write(
        mqttPacket.generate({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 4,
          clean: false,
          clientId,
          keepalive: 0,
          ...(username === undefined ? {} : { username }),
          ...(password === undefined ? {} : { password: Buffer.from(password) }),
        }),
      );
    });
    socket.on('error', (error) => (this.#problem = messageOf(error)));
    socket.on('drain', () => this.#fill());
    socket.on('close', () => {
      clearTimeout(patience);
      if (this.#connected) this.#problem = 'the connection broke';
      this.#connected = false;
      if (!this.#stopped) this.#retry = setTimeout(() => this.#connect(), retryDelayMs);
    });
  }

  #receive(packet: Packet): void {
    if (packet.cmd === 'connack') {
      this.#connected = true;
      this.#resend();
      this.#fill();
    } else if (packet.cmd === 'puback') {
      this.#acknowledge(packet.messageId ?? 0);
      this.#fill();
    }
  }

  #acknowledge(packetId: number): void {
    const flight = this.#inFlight.get(packetId);
    if (flight === undefined) return;
    this.#inFlight.delete(packetId);
    this.acknowledged[flight.sequence] = 1;
    this.acknowledgedCount++;
    this.#lastAckAt = performance.now();
    if (this.measureLatency) this.latencyMs.push(performance.now() - flight.sentAt);
    if (this.#inFlight.size === 0 && this.#next === this.#options.total) this.stop();
  }

  #resend(): void {
    const socket = this.#socket!;
    socket.cork();
    for (const { bytes } of this.#inFlight.values()) {
      bytes[0]! |= dupFlag;
      socket.write(bytes);
    }
    socket.uncork();
  }

  #fill(): void {
    const socket = this.#socket;
    if (!this.#connected || this.#paused || socket === undefined) return;
    const { window } = this.#options;
    socket.cork();
    while (
      this.#inFlight.size < window &&
      this.#next < this.#options.total &&
      this.#credit >= 1 &&
      !socket.writableNeedDrain
    ) {
      this.#credit--;
      do this.#packetId = (this.#packetId % 65_535) + 1;
      while (this.#inFlight.has(this.#packetId));
      const sequence = this.#next++;
      const bytes = this.#encoded(sequence, this.#packetId);
      this.#inFlight.set(this.#packetId, {
        sequence,
        sentAt: this.measureLatency ? performance.now() : 0,
        bytes,
      });
      socket.write(bytes);
    }
    socket.uncork();
  }

  #encoded(sequence: number, messageId: number): Buffer {
    const { topic, payload } = this.#options.message(sequence);
    return mqttPacket.generate({
      cmd: 'publish',
      topic,
      payload: payload as string,
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    });
  }
}
