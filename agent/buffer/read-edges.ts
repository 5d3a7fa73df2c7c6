import type { Cursor } from './cursor.ts';
import { readEdgesMax, walksMax } from './limits.ts';

/**
 * Where the runs begin and end that uplinks read and have not settled: they are on their way and will be settled as they were read. A summary that
 * reached over such an edge would be settled with the part that was sent, and the rest never sent. Lost with the process, as what is on its way is.
 */
export class ReadEdges {
  /** By stream and uplink. */
  readonly #streams = new Map<string, Map<string, Set<number>>>();
  /** Of all, the oldest first. */
  readonly #order: { readonly edges: Set<number>; readonly offset: number }[] = [];

  note(stream: string, uplink: string, offset: number): void {
    let uplinks = this.#streams.get(stream);
    if (uplinks === undefined) this.#streams.set(stream, (uplinks = new Map()));
    let edges = uplinks.get(uplink);
    if (edges === undefined) uplinks.set(uplink, (edges = new Set()));
    if (edges.has(offset)) return;
    edges.add(offset);
    this.#order.push({ edges, offset });
    if (this.#order.length <= readEdgesMax) return;
    const oldest = this.#order.shift();
    oldest?.edges.delete(oldest.offset);
  }

  of(stream: string): number[] {
    return [...(this.#streams.get(stream)?.values() ?? [])].flatMap((edges) => [...edges]);
  }

  /** What the uplink has settled is not on its way any more; where that ends, the cursor says. */
  forget(stream: string, { uplink, base, settled }: Cursor): void {
    const edges = this.#streams.get(stream)?.get(uplink);
    if (edges === undefined) return;
    for (const edge of edges) {
      if (edge < base || settled.some(([first, end]) => edge > first && edge < end)) edges.delete(edge);
    }
  }
}

/** Where somebody has got to who reads and settles nothing. */
interface Step {
  readonly stream: string;
  /** The offset asked for last, and where that read ended: either may be asked for next. */
  readonly from: number;
  readonly until: number;
}

/** Places of those who walk through streams; a summary that reached over one would be missed, or given twice. */
export class Walks {
  /** By name, the one that moved last at the end. */
  readonly #steps = new Map<string, Step>();

  /** Whether what lies below `from` was given to this walk, and nothing above. */
  knows(walk: string, stream: string, from: number): boolean {
    const step = this.#steps.get(walk);
    return step !== undefined && step.stream === stream && (step.from === from || step.until === from);
  }

  note(walk: string, step: Step): void {
    this.#steps.delete(walk);
    this.#steps.set(walk, step);
    const [oldest] = this.#steps.keys();
    if (this.#steps.size > walksMax && oldest !== undefined) this.#steps.delete(oldest);
  }

  of(stream: string): number[] {
    return [...this.#steps.values()].flatMap((step) =>
      step.stream === stream ? [step.from, step.until] : [],
    );
  }
}
