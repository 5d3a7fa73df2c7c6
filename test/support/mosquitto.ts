import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

const program = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto'].find((path) =>
  existsSync(path),
);

/** Why no test with a mosquitto can run here; null when one can. */
export const mosquittoMissing: string | null =
  program === undefined ? 'mosquitto is not installed (apt-get install mosquitto)' : null;

export interface MosquittoOptions {
  /** Configuration and persistence go to a folder of their own below it. */
  readonly folder: string;
  /** Addresses to listen at; default: loopback. One port for all. */
  readonly hosts?: readonly string[];
  /** A second listener on loopback that asks for a client certificate; PEM files. */
  readonly secure?: {
    readonly protocol: 'mqtt' | 'websockets';
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
  };
  /** Put before the command, as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
}

/** A real mosquitto of its own, at one port over all its lives, that keeps sessions and queues everything for them. */
export class Mosquitto {
  readonly #options: MosquittoOptions;
  #child: ChildProcess | null = null;
  port = 0;
  /** Of the listener `secure`. */
  securePort = 0;
  log = '';

  constructor(options: MosquittoOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { folder, hosts = ['127.0.0.1'], prefix = [] } = this.#options;
    if (this.port === 0) this.port = await freePort();
    const { secure } = this.#options;
    if (secure !== undefined && this.securePort === 0) this.securePort = await freePort();
    const own = join(folder, 'mosquitto');
    mkdirSync(own, { recursive: true });
    const config = join(own, 'mosquitto.conf');
    const lines = secure === undefined ? [] : secureListener(secure, this.securePort);
    writeFileSync(
      config,
      [mosquittoConfig({ folder: own, hosts, port: this.port }), ...lines, ''].join('\n'),
    );
    const [command, ...parameters] = [...prefix, program!, '-c', config];
    const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const keep = (bytes: Buffer): void => void (this.log = (this.log + bytes.toString()).slice(-16_384));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    while (!(await answers(hosts[0]!, this.port))) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended: ${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Of sessions and queues, as it wrote them when it ended last. */
  get persistedBytes(): number {
    return statSync(join(this.#options.folder, 'mosquitto', 'mosquitto.db')).size;
  }

  /** SIGTERM: it writes its sessions and queues, and ends. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

function mosquittoConfig({
  folder,
  hosts,
  port,
}: {
  folder: string;
  hosts: readonly string[];
  port: number;
}): string {
  return [
    ...hosts.map((host) => `listener ${port} ${host}`),
    'allow_anonymous true',
    // Nothing may be lost before the agent has seen it.
    'max_queued_messages 0',
    'max_inflight_messages 1000',
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_interval 0',
    'user root',
    // Tests wait for a subscription by its line in the log.
    ...['error', 'warning', 'notice', 'subscribe'].map((type) => `log_type ${type}`),
    'log_dest stderr',
    '',
  ].join('\n');
}

function secureListener(
  { protocol, ca, cert, key }: NonNullable<MosquittoOptions['secure']>,
  port: number,
): string[] {
  return [
    `listener ${port} 127.0.0.1`,
    `protocol ${protocol}`,
    `cafile ${ca}`,
    `certfile ${cert}`,
    `keyfile ${key}`,
    'require_certificate true',
  ];
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}
