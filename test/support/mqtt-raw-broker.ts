import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet';

/** One client of the raw broker, played by the test. */
export class RawSession {
  readonly connect: IConnectPacket;
  readonly socket: Socket;
  /** What the client sent after CONNECT, in order. */
  readonly received: Packet[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(connect: IConnectPacket, socket: Socket) {
    this.connect = connect;
    this.socket = socket;
  }

  take(packet: Packet): void {
    this.received.push(packet);
    // A broker answers these; tests play the rest.
    if (packet.cmd === 'subscribe')
      this.send({
        cmd: 'suback',
        messageId: packet.messageId!,
        granted: packet.subscriptions.map((one) => one.qos),
      });
    if (packet.cmd === 'pingreq') this.send({ cmd: 'pingresp' });
    for (const wake of this.#waiting.splice(0)) wake();
  }

  bytes(...packets: Packet[]): Buffer {
    const options = { protocolVersion: this.connect.protocolVersion ?? 4 };
    return Buffer.concat(packets.map((packet) => mqttPacket.generate(packet, options)));
  }

  send(...packets: Packet[]): void {
    this.socket.write(this.bytes(...packets));
  }

  /** Resolves when the client has sent `count` packets of this kind. */
  async until(cmd: Packet['cmd'], count: number): Promise<readonly Packet[]> {
    for (;;) {
      const seen = this.received.filter((packet) => packet.cmd === cmd);
      if (seen.length >= count) return seen;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** A broker that does what the test says: it reads packets and answers nothing but SUBSCRIBE and PINGREQ by itself. */
export class RawBroker {
  readonly #server: Server;
  readonly #sessions: RawSession[] = [];
  readonly #waiting: ((session: RawSession) => void)[] = [];

  constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    for (const session of this.#sessions) session.socket.destroy();
  }

  /** The next client that has sent CONNECT. */
  next(): Promise<RawSession> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #accept(socket: Socket): void {
    const parser = mqttPacket.parser();
    let session: RawSession | null = null;
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') {
        session = new RawSession(packet, socket);
        this.#sessions.push(session);
        this.#waiting.shift()?.(session);
      } else session?.take(packet);
    });
    socket.on('data', (bytes: Buffer) => parser.parse(bytes));
    socket.on('error', () => undefined);
  }
}
