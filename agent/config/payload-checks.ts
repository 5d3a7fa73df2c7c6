import { MiB } from '../base/units.ts';
import { payloadBytesLimit } from '../reading/limits.ts';
import type { Findings } from './cross-checks.ts';
import type { Config, StreamConfig } from './schema/config.ts';
import { formatSize } from './units.ts';

/** The largest default of these keys: it leaves room, and is no promise, even where print-config has written it down. */
const unasked = { mqtt: 1 * MiB, broker: 1 * MiB, http: 8 * MiB } as const;

/** What a source takes in and what its streams decode of it must fit, or the larger of the two is an idle promise. */
export function checkPayloads(config: Config, findings: Findings): void {
  for (const [name, source] of Object.entries(config.sources)) {
    if (source.type === 'replay') continue;
    const [key, taken] =
      source.type === 'http'
        ? (['max_body', source.max_body] as const)
        : (['max_packet', source.max_packet] as const);
    const streams = Object.entries(config.streams).filter(([, stream]) => stream.from.includes(name));
    const decoded = Math.max(0, ...streams.map(([, stream]) => decodedMax(stream)));
    const path = ['sources', name, key];
    if (streams.length > 0 && taken > Math.max(decoded, unasked[source.type])) {
      const most = `no stream that takes from it decodes more than ${formatSize(decoded)} at once`;
      // By its content type a body may be NDJSON for any stream.
      if (source.type === 'http') findings.warning(path, `${most}, NDJSON bodies aside`);
      else
        findings.error(path, `${most}: raise decode.max_payload there`, {
          expected: `at most ${formatSize(decoded)}`,
        });
    }
    for (const [stream, { decode }] of streams) {
      const own = ['streams', stream, 'decode', 'max_payload'];
      if (decode.max_payload === undefined || decode.max_payload <= taken || decode.format === 'ndjson')
        continue;
      findings.warning(own, `source ${name} takes nothing larger than ${formatSize(taken)} (${key})`);
    }
  }
}

/** A message that one commit can not hold is stored in parts: a crash in between brings the first ones twice. */
export function checkBufferSize(
  { buffer, streams }: Config,
  bufferFor: ((bytes: number) => number) | undefined,
  findings: Findings,
): void {
  let most = 0;
  let at = '';
  for (const [name, { decode }] of Object.entries(streams)) {
    const bytes = decode.format === 'ndjson' ? 0 : (decode.max_payload ?? payloadBytesLimit);
    if (bytes > most) [most, at] = [bytes, name];
  }
  const least = bufferFor?.(most) ?? 0;
  if (buffer.size >= least) return;
  findings.warning(
    ['buffer', 'size'],
    `${formatSize(buffer.size)} is less than ${formatSize(least)}, the least in which one commit holds a message of ${formatSize(most)} ` +
      `(streams.${at}.decode.max_payload): a larger one is stored in parts, and a crash between them brings the first ones twice`,
    { value: formatSize(buffer.size), expected: `at least ${formatSize(least)}` },
  );
}

/** NDJSON is bounded by the line; a payload of many may be as large as its source takes. */
function decodedMax({ decode }: StreamConfig): number {
  return decode.format === 'ndjson' ? Number.MAX_SAFE_INTEGER : (decode.max_payload ?? payloadBytesLimit);
}
