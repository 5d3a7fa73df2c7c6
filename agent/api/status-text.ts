import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatLatency,
  formatRate,
  printable,
} from '../base/words.ts';
import { passedWords, rungWords } from '../operate/rung-words.ts';
import { ruleWords } from './rule-words.ts';
import type { HostJson, PartJson, SourceJson, StatusJson, StreamJson } from './contract.ts';

/**
 * `sedge status`: what stands where and why, most urgent first. Pure; ends without a newline. Texts from elsewhere arrive
 * here as JSON, so control characters are made visible by the caller's terminal writer or are not there at all.
 */
export function statusText(status: StatusJson): string {
  const sections = [
    heading(status),
    attention(status),
    section(
      'sources',
      table(status.sources.map((source) => [source.name, source.type, sourceWords(source)])),
    ),
    section('uplinks', table(status.uplinks.map((uplink) => [uplink.name, uplink.type, uplink.words]))),
    section('streams', streamTable(status.streams)),
    section('left out', leftOutTable(status.streams)),
    section('fidelity', ladderTable(status.streams)),
    section('times', clockTable(status)),
    accounts(status),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

/** The first line of it, for systemd's STATUS and for `top`. */
export function statusLine(status: StatusJson): string {
  const buffered = status.streams.reduce((sum, stream) => sum + stream.buffered, 0);
  const rate = status.streams.reduce((sum, stream) => sum + (stream.rate_per_second ?? 0), 0);
  const links = status.uplinks.filter((uplink) => uplink.state !== 'up');
  const words = [
    status.ready ? 'ready' : 'not ready',
    `${formatRate(rate)} in`,
    `${counted(buffered, 'reading')} buffered`,
    ...links.map((uplink) => `uplink ${uplink.name}: ${uplink.words}`),
  ];
  return words.join(', ');
}

function heading(status: StatusJson): string {
  const site = status.agent.site === null ? '' : ` of ${status.agent.site}`;
  const ready = status.ready ? 'ready' : 'NOT READY';
  const clock = status.clock.trusted
    ? ''
    : '\nthe clock was not synchronized since boot: times of arrival are corrected once it is';
  return `${status.agent.id}${site}: ${ready}, sedge ${status.version}, up ${formatDuration(status.uptime_seconds)}${clock}`;
}

const urgency = { failed: 0, degraded: 1, starting: 2, ok: 3 } as const;

function attention(status: StatusJson): string {
  const parts = status.parts.filter((part) => part.state !== 'ok');
  const sorted = parts.sort((a, b) => urgency[a.state] - urgency[b.state] || (a.name < b.name ? -1 : 1));
  const lines = sorted.map((part) => [part.name, partWords(part, status.time)]);
  if (status.unrouted !== null) lines.push(['topics', unroutedWords(status.unrouted)]);
  if (!status.ledger.balanced) lines.unshift(['ledger', 'does not balance; run sedge buffer fsck']);
  return section('attention', table(lines));
}

/** Characters of a topic shown: it comes from outside, and a line is read on a terminal. */
const topicChars = 100;

function unroutedWords({ messages, topic, source }: NonNullable<StatusJson['unrouted']>): string {
  const shown = topic.length > topicChars ? `${topic.slice(0, topicChars)}…` : topic;
  const verb = messages === 1 ? 'matches' : 'match';
  return `${counted(messages, 'message')} ${verb} no stream, e.g. ${shown} of source ${source}; add a stream with match: ${shown} (samples: sedge buffer tail _dead_letter)`;
}

function partWords(part: PartJson, now: string): string {
  const seconds = (Date.parse(now) - Date.parse(part.since)) / 1_000;
  const since = Number.isFinite(seconds) ? ` for ${formatDuration(seconds)}` : '';
  return `${part.state}${since}${part.reason === '' ? '' : `: ${part.reason}`}`;
}

function sourceWords(source: SourceJson): string {
  const words = [source.words];
  if (source.rate_per_second !== null) words.push(formatRate(source.rate_per_second));
  if (source.in_flight > 0) words.push(`${formatCount(source.in_flight)} not acknowledged yet`);
  if (source.duplicates > 0) words.push(counted(source.duplicates, 'duplicate'));
  if (source.undecodable > 0) words.push(`${formatCount(source.undecodable)} undecodable`);
  return words.join(', ');
}

/** Columns that are zero throughout say nothing and are left out. */
function streamTable(streams: readonly StreamJson[]): readonly string[] {
  const columns: readonly (readonly [string, (stream: StreamJson) => number, 'always' | 'when used'])[] = [
    ['received', (stream) => stream.received, 'always'],
    ['delivered', (stream) => stream.delivered, 'always'],
    ['buffered', (stream) => stream.buffered, 'always'],
    ['filtered', (stream) => stream.filtered, 'when used'],
    ['coarsened', (stream) => stream.coarsened, 'when used'],
    ['dropped', (stream) => stream.dropped, 'when used'],
  ];
  const shown = columns.filter(
    ([, of, when]) => when === 'always' || streams.some((stream) => of(stream) > 0),
  );
  if (streams.length === 0) return [];
  const rows = streams.map((stream) => [
    stream.name,
    ...shown.map(([, of]) => formatCount(of(stream))),
    stream.rate_per_second === null ? '' : formatRate(stream.rate_per_second),
  ]);
  return table([['', ...shown.map(([name]) => name), 'rate'], ...rows], 'right');
}

/** Streams told of in it; the table above has all of them. */
const leftOutShown = 16;

/** Which rule filtered or dropped how many, most first. */
function leftOutTable(streams: readonly StreamJson[]): readonly string[] {
  const told = streams
    .map(({ name, filtered, dropped, filtered_by = [], dropped_by = [] }) => ({
      count: filtered + dropped,
      row: [name, ruleWords([...filtered_by, ...dropped_by])],
    }))
    .filter(({ row }) => row[1] !== '')
    .sort((a, b) => b.count - a.count);
  const rows = told.slice(0, leftOutShown).map(({ row }) => row);
  if (told.length > leftOutShown)
    rows.push([`${told.length - leftOutShown} more`, 'all rules: sedge status --json']);
  return table(rows);
}

/** How coarse what is kept has become; nothing is said while all is raw. */
function ladderTable(streams: readonly StreamJson[]): readonly string[] {
  return table(
    streams.flatMap(({ name, rungs, passed_over }) => {
      const words = [rungWords(rungs), passedWords(passed_over, 2)].filter((one) => one !== '');
      return words.length === 0 ? [] : [[name, words.join('; ')]];
    }),
  );
}

/** Streams that stand on the same clock share a line; nothing is said while all is as it should be. */
function clockTable({ streams }: StatusJson): readonly string[] {
  const odd = ({ clock }: StreamJson): boolean =>
    !clock.trusted || clock.waiting_readings + clock.corrected_readings + clock.uncorrectable_readings > 0;
  if (!streams.some(odd)) return [];
  const byWords = Map.groupBy(streams, ({ clock }) => clock.words);
  return table(Array.from(byWords, ([words, those]) => [namesOf(those), words]));
}

/** Streams named in one line of it. */
const namesShown = 4;

function namesOf(streams: readonly StreamJson[]): string {
  const names = streams.slice(0, namesShown).map(({ name }) => name);
  if (streams.length > namesShown) names.push(`${streams.length - namesShown} more`);
  return names.join(', ');
}

function accounts(status: StatusJson): string {
  const { buffer } = status;
  const commit =
    buffer.commit_p99_seconds === null ? '' : `, commits p99 ${formatLatency(buffer.commit_p99_seconds)}`;
  const lines = [
    ['buffer', `${buffer.words}${commit}`],
    ['epoch', `${buffer.epoch}: offsets count within it`],
    ['ledger', status.ledger.balanced ? 'balanced: every reading is accounted for' : 'DOES NOT BALANCE'],
  ];
  const host = hostWords(status.host);
  if (host !== '') lines.push(['host', host]);
  return table(lines, 'left', '').join('\n');
}

export function hostWords(host: HostJson): string {
  const words: string[] = [];
  if (host.model !== null) words.push(host.model);
  if (host.temperature_celsius !== null) words.push(`${Math.round(host.temperature_celsius)} °C`);
  for (const reason of host.throttled) words.push(reason.replaceAll('_', ' '));
  if (host.cpu_busy_ratio !== null) words.push(`processors ${Math.round(host.cpu_busy_ratio * 100)} % busy`);
  if (host.memory_available_bytes !== null && host.memory_size_bytes !== null) {
    words.push(
      `${formatBytes(host.memory_available_bytes)} of ${formatBytes(host.memory_size_bytes)} memory available`,
    );
  }
  if (host.disk_free_bytes !== null) words.push(`${formatBytes(host.disk_free_bytes)} disk free`);
  if (host.process_memory_bytes !== null) words.push(`agent ${formatBytes(host.process_memory_bytes)}`);
  return words.join(', ');
}

function section(name: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [name, ...lines].join('\n');
}

/** Rows in columns; every column but the first and, when left, the last is as wide as its widest cell. */
function table(
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'left',
  indent = '  ',
): string[] {
  const widths: number[] = [];
  const shown = rows.map((row) => row.map(printable));
  for (const row of shown) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return shown.map((row) => {
    const cells = row.map((cell, i) =>
      align === 'right' && i > 0 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
    );
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}
