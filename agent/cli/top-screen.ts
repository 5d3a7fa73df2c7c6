import type { SourceJson, StatusJson, StreamJson, UplinkJson } from '../api/contract.ts';
import { statusLine } from '../api/status-text.ts';
import { formatBytes, formatCount } from '../base/words.ts';
import { renderTable, type TableColumn } from './table.ts';

/** One screen of `sedge top`. */
export function topScreen(status: StatusJson): string {
  return [
    `${statusLine(status)}\n`,
    renderTable(sourceColumns, status.sources),
    renderTable(streamColumns, status.streams),
    renderTable(uplinkColumns, status.uplinks),
    `buffer ${status.buffer.words}\n`,
  ].join('\n');
}

const perSecond = (rate: number | null): string =>
  rate === null ? '-' : rate >= 10 ? formatCount(Math.round(rate)) : rate.toFixed(1);

const sourceColumns: readonly TableColumn<SourceJson>[] = [
  { header: 'source', cell: (source) => source.name },
  { header: 'messages', align: 'right', cell: (source) => formatCount(source.messages) },
  { header: 'per s', align: 'right', cell: (source) => perSecond(source.rate_per_second) },
  { header: 'in flight', align: 'right', cell: (source) => formatCount(source.in_flight) },
  { header: 'state', cell: (source) => source.words },
];

const streamColumns: readonly TableColumn<StreamJson>[] = [
  { header: 'stream', cell: (stream) => stream.name },
  { header: 'per s', align: 'right', cell: (stream) => perSecond(stream.rate_per_second) },
  { header: 'received', align: 'right', cell: (stream) => formatCount(stream.received) },
  { header: 'filtered', align: 'right', cell: (stream) => formatCount(stream.filtered) },
  { header: 'buffered', align: 'right', cell: (stream) => formatCount(stream.buffered) },
  { header: 'delivered', align: 'right', cell: (stream) => formatCount(stream.delivered) },
  { header: 'dropped', align: 'right', cell: (stream) => formatCount(stream.dropped) },
  { header: 'stored', align: 'right', cell: (stream) => formatBytes(stream.bytes) },
];

const uplinkColumns: readonly TableColumn<UplinkJson>[] = [
  { header: 'uplink', cell: (uplink) => uplink.name },
  { header: 'per s', align: 'right', cell: (uplink) => perSecond(uplink.rate_per_second) },
  { header: 'waiting', align: 'right', cell: (uplink) => formatCount(uplink.waiting_readings) },
  { header: 'delivered', align: 'right', cell: (uplink) => formatCount(uplink.delivered) },
  { header: 'state', cell: (uplink) => uplink.words },
];
