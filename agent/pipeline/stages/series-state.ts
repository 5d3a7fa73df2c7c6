import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import type { SeriesMap } from '../series-map.ts';
import type { StageState } from '../stage.ts';

/** Version byte, then the series. `writeState` writes one of them. */
export function saveSeries<State extends object>(
  series: SeriesMap<State>,
  version: number,
  writeState: (writer: ByteWriter, state: State) => void,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(version);
  series.write(writer, (state) => writeState(writer, state));
  series.forgetChanges();
  return writer.finish();
}

/** Fills the map with what {@link saveSeries} wrote; false leaves it empty. `readState` throws MalformedBytes. */
export function loadSeries<State extends object>(
  series: SeriesMap<State>,
  bytes: Uint8Array,
  version: number,
  readState: (reader: ByteReader) => State,
): boolean {
  series.clear();
  try {
    const reader = new ByteReader(bytes);
    if (reader.uint8() === version) {
      series.read(reader, () => readState(reader));
      if (reader.remaining === 0) return true;
    }
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
  }
  series.clear();
  return false;
}

/** Version byte, then what changed since the last save; null: nothing. */
export function saveChangedSeries<State extends object>(
  series: SeriesMap<State>,
  version: number,
  writeState: (writer: ByteWriter, state: State) => void,
  isChanged?: (state: State) => boolean,
): Uint8Array<ArrayBuffer> | null {
  const writer = new ByteWriter();
  writer.uint8(version);
  return series.writeChanges(writer, (state) => writeState(writer, state), isChanged)
    ? writer.finish()
    : null;
}

/** Goes on by what {@link saveChangedSeries} wrote; false leaves the map empty. `readState` throws MalformedBytes. */
export function applyChangedSeries<State extends object>(
  series: SeriesMap<State>,
  bytes: Uint8Array,
  version: number,
  readState: (reader: ByteReader, known: State | undefined) => State,
): boolean {
  try {
    const reader = new ByteReader(bytes);
    if (reader.uint8() === version) {
      series.readChanges(reader, (known) => readState(reader, known));
      if (reader.remaining === 0) return true;
    }
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
  }
  series.clear();
  return false;
}

export function seriesState(series: SeriesMap<object>, bytesPerSeries: number): StageState {
  const { size, limit: seriesLimit, evicted } = series;
  return { series: size, seriesLimit, bytes: size * bytesPerSeries, evicted };
}
