import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { until } from '#test/support/until.ts';

export interface TestReceiver {
  readonly url: string;
  /** Resolves once so many lines came. */
  received(lines: number): Promise<void>;
  close(): Promise<void>;
}

/** Takes every batch and counts its lines. */
export async function httpReceiver(): Promise<TestReceiver> {
  let lines = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const encoding = request.headers['content-encoding'];
      const plain =
        encoding === 'zstd' ? zstdDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body;
      lines += plain
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '').length;
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/readings`,
    received: (wanted) => until('every line at the receiver', () => lines >= wanted),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
