import type { FloodMessage } from '../../host/flood-publisher.ts';

const sensors = 16;
/** 2026-01-01T00:00:00Z in milliseconds; message n was measured n milliseconds later. */
const firstMs = 1_767_225_600_000;

/** Message `sequence` of a drill: two kinds of reading of 16 sensors, each with its own time. */
export function drillMessage(sequence: number): FloodMessage {
  const sensor = sequence % sensors;
  const ts = firstMs + sequence;
  if (sensor % 4 === 3) {
    const watts = 200 + ((sequence * 7919) % 4001) / 10;
    return { topic: `drill/power/s${sensor}`, payload: `{"seq":${sequence},"ts":${ts},"watts":${watts}}` };
  }
  const temperature = 20 + ((sequence * 31) % 997) / 100;
  const humidity = 40 + ((sequence * 17) % 613) / 10;
  return {
    topic: `drill/climate/s${sensor}`,
    payload: `{"seq":${sequence},"ts":${ts},"temperature":${temperature},"humidity":${humidity}}`,
  };
}
