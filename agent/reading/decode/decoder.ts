import { SedgeError } from '../../base/errors.ts';
import type { BatchBuilder } from '../batch-builder.ts';
import type { ClockSource, Tags } from '../batch.ts';
import { ndjsonPayloadBytesLimit, payloadBytesLimit } from '../limits.ts';
import { TagTable } from '../tag-table.ts';
import { parseCbor } from './cbor.ts';
import { CsvReader } from './csv.ts';
import { InfluxReader } from './influx.ts';
import { JsonScan } from './json-scan.ts';
import { mayHoldLongInteger, parseJson, utf8Text } from './json-text.ts';
import { readLines } from './ndjson-lines.ts';
import { isBeyondDouble, numberOf } from './number-text.ts';
import { decodeProblem, type DecodeOptions } from './options.ts';
import { ReadingSink } from './reading-sink.ts';
import { TreeReader } from './tree-reader.ts';
import { beyondDouble, tooLarge, Undecodable, type DecodeReason } from './undecodable.ts';

export interface Message {
  readonly topic: string;
  /** Read during the call and not kept. */
  readonly payload: Uint8Array;
  /** From the topic; the same object for equal tags. */
  readonly tags: Tags;
  readonly arrivalMicros: number;
}

export type DecodeOutcome =
  /** `ownTime`: every reading brought its own event time, none took the arrival's. */
  | { readonly ok: true; readonly readings: number; readonly ownTime: boolean }
  /** `detail` is one line of at most 200 characters, with the position when it is known. */
  | { readonly ok: false; readonly reason: DecodeReason; readonly detail: string };

/** Turns payloads of one stream into readings. */
export interface Decoder {
  /** What the builder of its readings is told about their times. */
  readonly clock: ClockSource;
  /** A message is all or nothing: after a failure the builder holds the readings it held before. Never throws for a payload. */
  decode(message: Message, into: BatchBuilder): DecodeOutcome;
}

/** @throws {SedgeError} when {@link decodeProblem} finds something. */
export function createDecoder(options: DecodeOptions, tagTable: TagTable = new TagTable()): Decoder {
  const wrong = decodeProblem(options);
  if (wrong !== null) throw new SedgeError('SEDGE_CONFIG_INVALID', `decode.${wrong.key}: ${wrong.problem}`);
  const sink = new ReadingSink(options, tagTable);
  const read = readerOf(options, sink, tagTable);
  const lineBytesMax = options.max_payload ?? payloadBytesLimit;
  const bytesMax = options.format === 'ndjson' ? ndjsonPayloadBytesLimit : lineBytesMax;
  const emptyAllowed = options.format === 'text' || options.format === 'raw';
  return {
    clock: options.time !== undefined || options.format === 'influx' ? 'device' : 'agent',
    decode(message, into) {
      const bytes = message.payload.length;
      if (bytes === 0 && !emptyAllowed) return { ok: false, reason: 'empty', detail: 'the payload is empty' };
      if (bytes > bytesMax) {
        const { reason, message: detail } = tooLarge(bytes, bytesMax);
        return { ok: false, reason, detail };
      }
      const before = into.length;
      sink.open(into, message);
      try {
        read(message.payload);
      } catch (error) {
        while (into.length > before) into.abandon();
        if (error instanceof Undecodable) return { ok: false, reason: error.reason, detail: error.message };
        throw error;
      }
      return { ok: true, readings: sink.readings, ownTime: sink.ownTime };
    },
  };
}

function readerOf(
  options: DecodeOptions,
  sink: ReadingSink,
  tagTable: TagTable,
): (payload: Uint8Array) => void {
  const readings = options.readings ?? null;
  switch (options.format) {
    case 'json': {
      const tree = new TreeReader(sink, { readings, infinities: 'refused' });
      const scan = options.readings === undefined ? new JsonScan(sink) : null;
      return (payload) => {
        if (scan?.read(payload) === true) sink.finish();
        else tree.read(parseJson(utf8Text(payload), mayHoldLongInteger(payload)));
      };
    }
    case 'ndjson': {
      const tree = new TreeReader(sink, { readings, infinities: 'refused' });
      const scan = options.readings === undefined ? new JsonScan(sink) : null;
      const lineBytesMax = options.max_payload ?? payloadBytesLimit;
      return (payload) => readLines({ sink, tree, scan, lineBytesMax }, payload);
    }
    case 'cbor': {
      const tree = new TreeReader(sink, { readings, infinities: 'numbers' });
      return (payload) => tree.read(parseCbor(payload));
    }
    case 'influx': {
      const influx = new InfluxReader(sink, tagTable, options.measurement ?? 'measurement');
      return (payload) => influx.read(utf8Text(payload));
    }
    case 'csv': {
      const csv = new CsvReader(sink, {
        columns: options.columns ?? null,
        header: options.header ?? options.columns === undefined,
        delimiter: options.delimiter ?? ',',
      });
      return (payload) => csv.read(utf8Text(payload));
    }
    case 'number':
      return (payload) => readNumber(sink, utf8Text(payload).trim());
    case 'text':
      return (payload) => {
        sink.field('value', utf8Text(payload));
        sink.finish();
      };
    case 'raw':
      return (payload) => {
        // A copy: the payload may be part of a larger buffer that is used again.
        sink.field('payload', new Uint8Array(payload));
        sink.finish();
      };
  }
}

function readNumber(sink: ReadingSink, text: string): void {
  const value = numberOf(text);
  if (value === undefined) {
    if (isBeyondDouble(text)) throw beyondDouble(text.slice(0, 40));
    throw new Undecodable('syntax', `${JSON.stringify(text.slice(0, 40))} is no number`);
  }
  sink.field('value', value);
  sink.finish();
}
