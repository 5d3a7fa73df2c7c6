import { Duplex } from 'node:stream';
import type { MqttPublish } from '../ports/broker.ts';
import { FrameSplitter } from './mqtt-frames.ts';
import { mqttLimits } from './mqtt-limits.ts';
import type { TopicTexts } from './mqtt-topic-texts.ts';

export interface GateOptions {
  readonly version: '3.1.1' | '5';
  readonly packetBytesMax: number;
  /** Type of the packet that opens the session. After it the gate waits for `proceed`; messages before it break the connection. */
  readonly waitAfter: number;
  /** Shared between the gates of one broker. */
  readonly topics?: TopicTexts;
}

export interface GateSink {
  publish(packet: MqttPublish): void;
  release(packetId: number): void;
  /** The other end broke the protocol; `what` completes "sent a". */
  broken(what: string): void;
  /** What the library reads instead of any other packet; null: nothing. Absent: what came. */
  incoming?(type: number, frame: Uint8Array): Uint8Array | null;
  /** What the other end reads instead of what the library wrote. Absent: just that. */
  outgoing?(bytes: Uint8Array): Uint8Array;
}

/**
 * The stream an MQTT library reads and writes: all packets of the socket but PUBLISH and PUBREL, which go to the sink. After the
 * packet that opens the session it holds until told, so that no message overtakes it. Libraries write each packet in one
 * corked go, hence whole packets arrive in `_writev`, and acknowledgements written aside never land inside one.
 */
export class Gate extends Duplex {
  readonly #socket: Duplex;
  readonly #splitter: FrameSplitter;
  readonly #sink: GateSink;
  #held = false;
  #opened = false;
  #waits = false;
  #heardMs = performance.now();

  constructor(socket: Duplex, options: GateOptions, sink: GateSink) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#sink = sink;
    this.#splitter = new FrameSplitter({
      version: options.version,
      packetBytesMax: options.packetBytesMax,
      ...(options.topics === undefined ? {} : { topics: options.topics }),
      sink: {
        publish: (packet) => {
          if (this.#opened) sink.publish(packet);
          else this.#break('message before the session was open');
        },
        release: (packetId) => {
          if (this.#opened) sink.release(packetId);
        },
        other: (type, frame) => this.#pass(type, frame, options.waitAfter),
      },
    });
    socket.on('data', (bytes: Uint8Array) => {
      this.#heardMs = performance.now();
      this.#check(this.#splitter.push(bytes));
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** When the other end was heard last (`performance.now`); now, while nobody listens. */
  get heardMs(): number {
    return this.#held ? performance.now() : this.#heardMs;
  }

  /** What follows from the other end is MQTT 5. */
  speak5(): void {
    this.#splitter.speak5();
  }

  /** The session is open: messages may come. */
  proceed(): void {
    this.#waits = false;
    this.#check(this.#splitter.proceed());
    this.#flow();
  }

  hold(): void {
    this.#held = true;
    this.#flow();
  }

  release(): void {
    this.#held = false;
    this.#heardMs = performance.now();
    this.#flow();
  }

  writeAside(bytes: Uint8Array): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength > mqttLimits.acknowledgementBytes)
      this.#break('flood and takes no acknowledgement');
  }

  override _read(): void {
    // What is pushed here is small and answers what the library sent; the flood is held back at the socket.
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  override _writev(
    chunks: { chunk: Uint8Array; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #send(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    const sent = this.#sink.outgoing?.(bytes) ?? bytes;
    if (sent.length === 0) done();
    else this.#socket.write(sent, (error) => done(error));
  }

  #pass(type: number, frame: Uint8Array, waitAfter: number): boolean {
    const passed = this.#sink.incoming === undefined ? frame : this.#sink.incoming(type, frame);
    if (!this.destroyed && passed !== null) this.push(passed);
    if (type !== waitAfter || this.#opened) return true;
    this.#opened = true;
    this.#waits = true;
    this.#flow();
    return false;
  }

  #check(wrong: string | null): void {
    if (wrong !== null) this.#break(wrong);
  }

  #break(what: string): void {
    if (!this.destroyed) this.#sink.broken(what);
  }

  #flow(): void {
    // The packet that opens the session is read even when messages are not wanted yet.
    if ((this.#held && this.#opened) || this.#waits) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }
}
