import { connect, type Socket } from 'node:net';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { assert } from '../base/assert.ts';

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
  message(sequence: number): FloodMessage;
}

const retryDelayMs = 100;
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
  /** Packet id to message number and time of sending. */
  readonly #inFlight = new Map<number, { sequence: number; sentAt: number }>();
  #packetId = 0;
  #socket: Socket | undefined;
  #connected = false;
  #stopped = false;
  #credit = 0;
  #slice: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #done = Promise.withResolvers<void>();

  constructor(options: FloodOptions) {
    assert(options.window >= 1 && options.window <= 65_535, 'window is a packet id range');
    this.#options = options;
    this.acknowledged = new Uint8Array(options.total);
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

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#slice);
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    this.#done.resolve();
  }

  #connect(): void {
    const { host, port, clientId, username, password } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    parser.on('packet', (packet) => this.#receive(packet));
    parser.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => void parser.parse(bytes));
    socket.on('connect', () => {
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
    socket.on('error', () => {});
    socket.on('drain', () => this.#fill());
    socket.on('close', () => {
      this.#connected = false;
      if (!this.#stopped) this.#retry = setTimeout(() => this.#connect(), retryDelayMs);
    });
  }

  #receive(packet: Packet): void {
    if (packet.cmd === 'connack') {
      if (packet.returnCode !== 0) {
        this.#socket?.destroy();
        return;
      }
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
    if (this.measureLatency) this.latencyMs.push(performance.now() - flight.sentAt);
    if (this.acknowledgedCount === this.#options.total) this.stop();
  }

  #resend(): void {
    const socket = this.#socket!;
    socket.cork();
    for (const [packetId, { sequence }] of this.#inFlight) this.#publish(sequence, packetId, true);
    socket.uncork();
  }

  #fill(): void {
    const socket = this.#socket;
    if (!this.#connected || socket === undefined) return;
    const { window, total } = this.#options;
    socket.cork();
    while (
      this.#inFlight.size < window &&
      this.#next < total &&
      this.#credit >= 1 &&
      !socket.writableNeedDrain
    ) {
      this.#credit--;
      do this.#packetId = (this.#packetId % 65_535) + 1;
      while (this.#inFlight.has(this.#packetId));
      const sequence = this.#next++;
      this.#inFlight.set(this.#packetId, { sequence, sentAt: this.measureLatency ? performance.now() : 0 });
      this.#publish(sequence, this.#packetId, false);
    }
    socket.uncork();
  }

  #publish(sequence: number, packetId: number, dup: boolean): void {
    const { topic, payload } = this.#options.message(sequence);
    this.#socket!.write(
      mqttPacket.generate({
        cmd: 'publish',
        topic,
        payload: payload as string,
        qos: 1,
        messageId: packetId,
        dup,
        retain: false,
      }),
    );
  }
}
