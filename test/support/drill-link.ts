import { execFileSync } from 'node:child_process';

/** Why no network can be cut here; null when one can. */
export const linkMissing: string | null = probe();

function probe(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces take root';
  try {
    const name = `sedge-probe-${process.pid}`;
    ip('netns', 'add', name);
    ip('netns', 'delete', name);
    return null;
  } catch (error) {
    return `ip netns does not work here: ${String(error).split('\n')[0]}`;
  }
}

/**
 * A host of its own behind two cables: `near` for whoever must stay connected, `cut` for whoever is to be cut off. A cable that
 * is down swallows packets without a word, as a real one does.
 */
export class DrillLink {
  readonly namespace = `sedge-drill-${process.pid}`;
  readonly near = '10.213.71.2';
  readonly far = '10.213.72.2';
  readonly #cables = [
    { device: `sdgn${process.pid}`, peer: 'near', here: '10.213.71.1', there: this.near },
    { device: `sdgf${process.pid}`, peer: 'far', here: '10.213.72.1', there: this.far },
  ] as const;

  /** Before a command: runs it at the far host. */
  get prefix(): readonly string[] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  open(): void {
    ip('netns', 'add', this.namespace);
    ip('-n', this.namespace, 'link', 'set', 'lo', 'up');
    for (const { device, peer, here, there } of this.#cables) {
      ip('link', 'add', device, 'type', 'veth', 'peer', 'name', peer, 'netns', this.namespace);
      ip('address', 'add', `${here}/30`, 'dev', device);
      ip('link', 'set', device, 'up');
      ip('-n', this.namespace, 'address', 'add', `${there}/30`, 'dev', peer);
      ip('-n', this.namespace, 'link', 'set', peer, 'up');
    }
  }

  /** The far cable is pulled at the far end, so that this host's routes stay. */
  cut(): void {
    ip('-n', this.namespace, 'link', 'set', 'far', 'down');
  }

  heal(): void {
    ip('-n', this.namespace, 'link', 'set', 'far', 'up');
  }

  /** Safe to call twice. */
  close(): void {
    try {
      // Takes the cables with it.
      ip('netns', 'delete', this.namespace);
    } catch {
      // It was never opened.
    }
  }
}

function ip(...parameters: string[]): void {
  execFileSync('ip', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
}
