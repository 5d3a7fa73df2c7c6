import type { PageJson, StatusJson, StreamJson } from '../../api/contract.ts';
import { SedgeError } from '../../base/errors.ts';
import type { PassedFigures, RungFigures } from '../../operate/rung-words.ts';
import type { WindowLevel, WindowsJson } from '../../query/windows-json.ts';
import { parseExact } from '../../reading/exact-json.ts';
import type { AgentClient } from '../../host/agent-client.ts';

/** The stored readings, wherever they are looked at: through the running agent, or in the folder of one that is not. */
export interface BufferAccess {
  /** In words, for the first line of a table. */
  readonly where: string;
  streams(): Promise<readonly BufferStream[]>;
  /**
   * At most 1000 readings from `from` on; `walk` is what the page before said. @throws {SedgeError} SEDGE_DATA_INVALID when there is no such
   * stream.
   */
  page(stream: string, from: number, walk?: string): Promise<PageJson>;
  /** Rolled-up windows, a page after the place given. */
  windows(stream: string, every: WindowLevel, after: WindowsJson['next']): Promise<WindowsJson>;
  close(): Promise<void>;
}

export interface BufferStream {
  readonly name: string;
  readonly priority: number;
  readonly buffered: number;
  readonly head: number;
  readonly bytes: number;
  /** What is kept, by fidelity, finest first. */
  readonly rungs: readonly RungFigures[];
  /** Rungs that the running agent passed over since its start. */
  readonly passed_over: readonly PassedFigures[];
  /** RFC 3339, or null when nothing is stored. */
  readonly oldest: string | null;
}

const pageReadings = 1000;

/** Asks the running agent. */
export function liveBuffer(client: AgentClient, status: StatusJson): BufferAccess {
  return {
    where: `agent ${status.agent.id} (running)`,
    streams: async () => ((await client.get('/v1/streams')) as { streams: readonly StreamJson[] }).streams,
    page: async (stream, from, walk) =>
      (await client.get(
        `/v1/streams/${encodeURIComponent(stream)}/readings?from=${from}&count=${pageReadings}${walk === undefined ? '' : `&walk=${walk}`}`,
        parseExact,
      )) as PageJson,
    windows: async (stream, every, after) =>
      (await client.get(
        `/v1/streams/${encodeURIComponent(stream)}/windows?every=${every}${after === null ? '' : `&after=${after.start},${after.series}`}`,
      )) as WindowsJson,
    close: () => Promise.resolve(),
  };
}

/** The named stream. @throws {SedgeError} SEDGE_DATA_INVALID naming those that exist. */
export async function streamOf(access: BufferAccess, name: string): Promise<BufferStream> {
  const streams = await access.streams();
  const found = streams.find((stream) => stream.name === name);
  if (found !== undefined) return found;
  const names = streams.map((stream) => stream.name).join(', ');
  throw new SedgeError('SEDGE_DATA_INVALID', `the buffer holds no stream ${JSON.stringify(name)}`, {
    hint: names === '' ? 'it holds no streams at all' : `it holds ${names}`,
  });
}
