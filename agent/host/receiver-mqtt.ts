import { type Server, type Socket, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Aedes, type PublishPacket } from 'aedes';
import { SedgeError, messageOf } from '../base/errors.ts';
import type { Inbox } from '../receiver/inbox.ts';
import { receiverLimits } from '../receiver/limits.ts';
import { parseLines } from '../receiver/parse-lines.ts';

export interface ReceiverMqttOptions {
  readonly host: string;
  readonly port: number;
}

/** The MQTT door of the reference receiver: a broker of its own (3.1.1) whose PUBACK leaves after the lines are synced. */
export class ReceiverMqtt {
  readonly #options: ReceiverMqttOptions;
  readonly #inbox: Inbox;
  readonly #sockets = new Set<Socket>();
  #broker: Aedes | null = null;
  #server: Server | null = null;
  #port: number;

  constructor(options: ReceiverMqttOptions, inbox: Inbox) {
    this.#options = options;
    this.#inbox = inbox;
    this.#port = options.port;
  }

  get url(): string {
    const { host } = this.#options;
    return `mqtt://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  async start(): Promise<void> {
    if (this.#server !== null) return;
    const broker = await Aedes.createBroker();
    broker.authorizePublish = (_client, packet, done) => void this.#answer(packet, done);
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      broker.handle(socket);
    });
    this.#broker = broker;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        this.#server = null;
        const where = `${this.#options.host}:${this.#port}`;
        reject(
          new SedgeError('SEDGE_LISTEN_FAILED', `cannot listen on ${where}: ${messageOf(error)}`, {
            cause: error,
          }),
        );
      });
      server.listen(this.#port, this.#options.host, resolve);
    });
    // Out of descriptors for a moment: the connection is lost, the door stays open.
    server.removeAllListeners('error').on('error', () => undefined);
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    const broker = this.#broker;
    this.#server = null;
    this.#broker = null;
    if (server === null || broker === null) return;
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await new Promise<void>((resolve) => {
      broker.close(() => resolve());
    });
  }

  async #answer(packet: PublishPacket, done: (error?: Error | null) => void): Promise<void> {
    let problem: string | null;
    try {
      problem = await this.#take(packet);
    } catch (error) {
      problem = messageOf(error);
    }
    done(problem === null ? null : new Error(problem));
  }

  /** What is wrong with it, null when it is kept. A problem ends the connection: 3.1.1 has no other way to say no. */
  async #take(packet: PublishPacket): Promise<string | null> {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    if (payload.length > receiverLimits.bodyBytesMax) return 'the payload is too long';
    const parsed = parseLines(payload);
    if (!parsed.ok) return `line ${parsed.line}: ${parsed.message}`;
    const outcome = await this.#inbox.accept(parsed.lines);
    return outcome.ok ? null : outcome.message;
  }
}
