import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from './bench-agent.ts';
import { ended, listens } from './bench-process.ts';
import { freePort } from './free-port.ts';
import { pause, until } from './until.ts';

/** Messages on the way to one subscriber; the same for the agents and for the reference. */
export const receiveMaximum = 1000;

function find(name: string): string | undefined {
  return ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

const broker = find('mosquitto');
const subscriber = find('mosquitto_sub');

/** Why there is no mosquitto, or null when there is. */
export function mosquittoMissing(): string | null {
  if (broker === undefined) return 'mosquitto is not installed (apt install mosquitto)';
  return subscriber === undefined ? 'mosquitto_sub is not installed (apt install mosquitto-clients)' : null;
}

/** A broker that queues without bound, so that the publisher never loses a message. */
export class BenchMosquitto {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
  }

  /** `prompt`: small packets leave at once (TCP_NODELAY), which mosquitto does not do by itself. */
  static async start(options: { prompt: boolean }): Promise<BenchMosquitto> {
    const folder = scratchFolder();
    const port = await freePort();
    const config = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      `max_inflight_messages ${receiveMaximum}`,
      'max_queued_messages 0',
      `set_tcp_nodelay ${options.prompt}`,
      'persistence false',
      'log_type none',
    ];
    writeFileSync(config, lines.join('\n'));
    const child = spawn(broker!, ['-c', config], { stdio: 'ignore' });
    await until('mosquitto', () => listens(port));
    return new BenchMosquitto(port, child, folder);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async stop(): Promise<void> {
    await ended(this.#child, 'SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Subscription {
  readonly port: number;
  readonly filter: string;
  readonly messages: number;
}

/** A subscriber of another make, in a process of its own, that ends after so many messages. */
export interface PeerSubscriber {
  readonly pid: number;
  ready(): Promise<void>;
  done(): Promise<void>;
  stop(): Promise<void>;
}

/** What becomes of a message: nothing; a line of a file; a row of a table. The last two are synced once a turn of the event loop. */
export type Keeping = 'nothing' | 'ndjson' | 'rows';

/** MQTT.js, the client that our MQTT source is built on. It acknowledges by itself, before anything is stored. */
export class MqttJsSubscriber implements PeerSubscriber {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #ready: Promise<unknown>;

  constructor({ port, filter, messages }: Subscription, keeping: Keeping = 'nothing') {
    const program = fileURLToPath(new URL('bench-mqttjs-child.ts', import.meta.url));
    const parameters = [`mqtt://127.0.0.1:${port}`, filter, `${messages}`, `${receiveMaximum}`, keeping];
    this.#child = fork(program, parameters, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    this.#exited = once(this.#child, 'exit');
    this.#ready = once(this.#child, 'message');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async ready(): Promise<void> {
    await this.#ready;
  }

  async done(): Promise<void> {
    await this.#exited;
  }

  stop(): Promise<void> {
    return ended(this.#child, 'SIGKILL');
  }
}

/** mosquitto_sub. */
export class BareSubscriber implements PeerSubscriber {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor({ port, filter, messages }: Subscription) {
    const parameters = ['-p', `${port}`, '-V', '5', '-q', '1', '-t', filter, '-C', `${messages}`, '-F', '%x'];
    const property = ['-D', 'CONNECT', 'receive-maximum', `${receiveMaximum}`];
    this.#child = spawn(subscriber!, [...parameters, ...property], { stdio: 'ignore' });
    this.#exited = once(this.#child, 'exit');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** It tells nobody when its subscription stands; a loopback needs milliseconds. */
  ready(): Promise<void> {
    return pause(300);
  }

  async done(): Promise<void> {
    await this.#exited;
  }

  stop(): Promise<void> {
    return ended(this.#child, 'SIGKILL');
  }
}
