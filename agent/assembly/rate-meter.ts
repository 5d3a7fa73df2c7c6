/** Samples a minute of history holds: one every five seconds, and one more to have twelve differences. */
const samplesMax = 13;

interface Sample {
  readonly atMs: number;
  readonly total: number;
}

/** Rate of growing totals over about the last minute, by name. A total that fell (a purge, a restart) begins anew. */
export class RateMeter {
  readonly #samples = new Map<string, Sample[]>();

  /** Forgets names that are not in `totals`. */
  sample(totals: ReadonlyMap<string, number>, atMs: number): void {
    for (const name of this.#samples.keys()) if (!totals.has(name)) this.#samples.delete(name);
    for (const [name, total] of totals) {
      const known = this.#samples.get(name);
      const samples = known === undefined || total < (known.at(-1)?.total ?? 0) ? [] : known;
      samples.push({ atMs, total });
      if (samples.length > samplesMax) samples.shift();
      this.#samples.set(name, samples);
    }
  }

  /** Per second; null until two samples are known. */
  perSecond(name: string): number | null {
    const samples = this.#samples.get(name);
    const first = samples?.[0];
    const last = samples?.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return null;
    return ((last.total - first.total) * 1000) / (last.atMs - first.atMs);
  }
}
