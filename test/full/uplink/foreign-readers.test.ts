import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatch } from '#agent/cli/dispatch.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { verbs } from '#agent/verbs.ts';
import { fakeWorld } from '#test/support/fake-world.ts';
import { askPython, pythonLacks } from '#test/support/golden-python.ts';
import { expectBuckets, type OtlpPoint } from '#test/support/otlp-point.ts';
import { until } from '#test/support/until.ts';

const lacking = pythonLacks(
  'datasketches',
  'pyarrow',
  'duckdb',
  'opentelemetry.proto.collector.metrics.v1.metrics_service_pb2',
);

interface Line {
  readonly stream: string;
  readonly time: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string & number>>;
}

/** What read_envelopes.py says. */
interface Opened {
  readonly kind: string;
  readonly parameters: string;
  readonly source: string;
  readonly n: number;
  readonly firstMicros: number;
  readonly lastMicros: number;
  readonly library?: number;
  readonly min?: number;
  readonly max?: number;
  readonly quantiles?: readonly number[];
  readonly point?: OtlpPoint;
}

const start = Date.parse('2026-11-21T08:00:00Z');
const windowMs = 60_000;
const windows = 10;
const machines = ['m 1', 'mü,2'];
const perWindow = windowMs / 1000;
const valueOf = (second: number, machine: number): number =>
  second % 20 === 0 ? 0 : ((second * 37 + machine * 11) % 600) / 8 - 20;

/** The values of one machine in one window, in order of time. */
const windowValues = (window: number, machine: number): number[] =>
  Array.from({ length: perWindow }, (_, i) => valueOf(window * perWindow + i, machine));

describe.skipIf(lacking !== null)(
  lacking === null ? 'what an agent sends' : `what an agent sends (${lacking})`,
  () => {
    let folder: string;
    let agent: AgentProcess;
    let cloud: Server;
    const listen = { push: '127.0.0.1:0', api: '127.0.0.1:0' };
    const lines: Line[] = [];
    /** Of whole windows: the last reading opens one more, which ends when its time has come by the clock. */
    const of = (stream: string): Line[] =>
      lines.filter((line) => line.stream === stream && Date.parse(line.time) < start + windows * windowMs);

    function write(): void {
      const { port } = cloud.address() as AddressInfo;
      const decode = 'decode: { format: ndjson, time: ts, time_unit: ms, tags: [machine] }';
      writeFileSync(
        join(folder, 'sedge.yaml'),
        `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { push: { type: http, listen: "${listen.push}" } }
streams:
  line:
    from: [push]
    match: line
    ${decode}
    stages:
      - window: { every: 1m, out_of_order: 0s, fields: [v], emit: [count, sum, min, max, p50], into: line_1m }
      - sketch: { every: 1m, out_of_order: 0s, fields: [v], kinds: [moments, quantiles, distinct, histogram] }
  kept: { from: [push], match: kept, ${decode} }
uplinks: { cloud: { type: http, url: "http://127.0.0.1:${port}/", streams: [line, line_1m, line_sketch] } }
api: { listen: "${listen.api}" }
`,
      );
    }

    async function post(stream: string, rows: readonly string[]): Promise<void> {
      const url = `http://${listen.push}/v1/ingest/${stream}`;
      expect((await fetch(url, { method: 'POST', body: rows.join('\n') })).status).toBe(204);
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sedge-foreign-'));
      cloud = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const body = Buffer.concat(chunks);
          const packed = request.headers['content-encoding'];
          const plain =
            packed === 'zstd' ? zstdDecompressSync(body) : packed === 'gzip' ? gunzipSync(body) : body;
          for (const line of plain.toString('utf8').split('\n'))
            if (line !== '') lines.push(JSON.parse(line) as Line);
          response.writeHead(204).end();
        });
      });
      cloud.listen(0, '127.0.0.1');
      await once(cloud, 'listening');
      write();
      agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
      const bound = (await agent.start()).listen;
      listen.push = bound['source:push']!;
      listen.api = bound['api']!;
      write();
      for (const [m, machine] of machines.entries()) {
        const rows = Array.from({ length: windows * perWindow + 1 }, (_, second) =>
          JSON.stringify({ ts: start + second * 1000, machine, v: valueOf(second, m) }),
        );
        await post('line', rows);
      }
      await post('kept', [
        `{"ts":${start},"machine":"a","n":9007199254740993,"z":-0}`,
        `{"ts":${start + 1},"machine":"a","n":-9223372036854775808,"z":1.5}`,
      ]);
      await until('the sketches of all whole windows', () => of('line_sketch').length >= windows * 2);
    });

    afterAll(async () => {
      await agent.stop();
      cloud.closeAllConnections();
      cloud.close();
      rmSync(folder, { recursive: true });
    });

    it('is opened and read by DataSketches and OpenTelemetry: each sketch says what the values of its window say', () => {
      const sketches = of('line_sketch');
      const kinds = ['moments', 'quantiles', 'distinct', 'histogram'];
      const envelopes = sketches.flatMap(({ values }) => kinds.map((kind) => values[`v_${kind}`]));

      const said = (askPython('read_envelopes.py', { envelopes }) as { envelopes: Opened[] }).envelopes;

      const seen = new Set<string>();
      for (const [i, { tags, time }] of sketches.entries()) {
        const from = Date.parse(time);
        const window = (from - start) / windowMs;
        const machine = machines.indexOf(tags['machine']!);
        seen.add(`${window} ${machine}`);
        const values = windowValues(window, machine);
        const sorted = values.toSorted((a, b) => a - b);
        const sum = values.reduce((all, value) => all + value, 0);
        const common = {
          source: 'line/v',
          firstMicros: from * 1000,
          lastMicros: (from + windowMs) * 1000 - 1,
        };
        const [moments, quantiles, distinct, histogram] = said.slice(4 * i, 4 * i + 4);
        expect(moments).toEqual({ kind: 'moments', parameters: '', n: perWindow, ...common });
        // Fewer values than k: all are there, and quantiles are exact.
        expect(quantiles).toEqual({
          kind: 'quantiles',
          parameters: 'k=200 precision=double',
          n: perWindow,
          ...common,
          library: perWindow,
          min: sorted[0],
          max: sorted.at(-1),
          quantiles: [0.1, 0.5, 0.9].map((rank) => sorted[Math.ceil(rank * perWindow) - 1]),
        });
        expect(distinct).toMatchObject({ parameters: 'lgK=12 registerBits=8', ...common });
        expect(Math.abs(distinct!.library! / new Set(values).size - 1)).toBeLessThan(1e-4);
        expect(histogram).toMatchObject({
          kind: 'histogram',
          parameters: 'maxBuckets=160',
          n: perWindow,
          ...common,
        });
        expect(histogram!.point).toMatchObject({
          attributes: tags,
          startNanos: `${from}000000`,
          timeNanos: `${from + windowMs}000000`,
          count: perWindow,
          counted: perWindow,
          sum: expect.closeTo(sum, 9) as number,
          min: sorted[0],
          max: sorted.at(-1),
          zeros: values.filter((value) => value === 0).length,
        });
        expectBuckets(histogram!.point!, values);
      }
      expect(seen.size).toBe(windows * machines.length);
    });

    it('has windows that say the same as the values', async () => {
      await until('the results of all whole windows', () => of('line_1m').length >= windows * 2);

      for (const { values, tags, time } of of('line_1m')) {
        const all = windowValues((Date.parse(time) - start) / windowMs, machines.indexOf(tags['machine']!));
        expect(values).toMatchObject({
          'v.count': perWindow,
          'v.sum': expect.closeTo(
            all.reduce((sum, value) => sum + value, 0),
            9,
          ) as number,
          'v.min': Math.min(...all),
          'v.max': Math.max(...all),
        });
      }
    });

    it('keeps every digit when the running agent is asked for what it holds', async () => {
      const page = await (await fetch(`http://${listen.api}/v1/streams/kept/readings?from=0`)).text();
      const paths: Record<string, string> = {};
      for (const format of ['ndjson', 'csv', 'parquet']) {
        paths[format] = join(folder, `kept.${format}`);
        await exported('kept', format, paths[format]);
      }

      const said = askPython('read_tables.py', paths) as {
        arrow: { columns: Record<string, string>; rows: (string | null)[][] };
      };

      expect(page).toContain('{"n":9007199254740993,"z":-0}');
      expect(readFileSync(paths['ndjson']!, 'utf8')).toContain('{"n":9007199254740993,"z":-0}');
      const at = Object.keys(said.arrow.columns).indexOf('n');
      expect(said.arrow.rows.map((row) => row.slice(at, at + 2))).toEqual([
        ['i9007199254740993', 'f8000000000000000'],
        ['i-9223372036854775808', 'f3ff8000000000000'],
      ]);
    });

    /** By `sedge buffer export` beside the running agent. */
    async function exported(stream: string, format: string, output?: string): Promise<string> {
      const world = fakeWorld();
      const words = ['buffer', 'export', stream, '--format', format, '--config', join(folder, 'sedge.yaml')];
      const code = await dispatch([...words, ...(output === undefined ? [] : ['--output', output])], {
        verbs,
        version: 'test',
        world,
      });
      expect([code, code === 0 ? '' : world.errorText()]).toEqual([0, '']);
      return world.outText();
    }
  },
);
