import { KiB, MiB } from '../base/units.ts';

/** A quarter of an hour of samples, one every five seconds. */
const samplesMax = 181;

/**
 * Spans a trend is taken over, and what must have gone within one before it is believed: sealing gives room back by the minute, so
 * the less went the longer it takes to tell a trend from that.
 */
const spans = [
  { ms: 120_000, leastBytes: 1 * MiB },
  { ms: 900_000, leastBytes: 64 * KiB },
] as const;
/** Of samples, before any trend. */
const leastMs = 60_000;

interface Sample {
  readonly atMs: number;
  readonly room: number;
}

/** When the buffer will be full, from how its room went lately. */
export class BufferOutlook {
  #samples: Sample[] = [];

  sample(room: number, atMs: number): void {
    this.#samples.push({ atMs, room });
    if (this.#samples.length > samplesMax) this.#samples.shift();
  }

  /** Seconds until `room` bytes are used up, by the steeper of the trends; null when there is none that leads there. */
  secondsFor(room: number): number | null {
    const bytesPerSecond = Math.max(...spans.map((span) => this.#trend(span)));
    return bytesPerSecond > 0 ? room / bytesPerSecond : null;
  }

  /** Bytes a second that go, by least squares, so that the teeth of sealing even out; 0 when that is nothing, or not known. */
  #trend({ ms, leastBytes }: (typeof spans)[number]): number {
    const last = this.#samples.at(-1);
    if (last === undefined) return 0;
    const samples = this.#samples.filter(({ atMs }) => atMs >= last.atMs - ms);
    const span = last.atMs - samples[0]!.atMs;
    if (span < leastMs) return 0;
    let [atMean, roomMean] = [0, 0];
    for (const { atMs, room } of samples) {
      atMean += atMs / samples.length;
      roomMean += room / samples.length;
    }
    let [together, spread] = [0, 0];
    for (const { atMs, room } of samples) {
      together += (atMs - atMean) * (room - roomMean);
      spread += (atMs - atMean) ** 2;
    }
    const bytesPerMs = -together / spread;
    return bytesPerMs * span < leastBytes ? 0 : bytesPerMs * 1_000;
  }
}
