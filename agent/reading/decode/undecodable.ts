import { MiB } from '../../base/units.ts';
import { detailLengthLimit, maxPayloadMost } from '../limits.ts';

/**
 * Why a payload gave no readings. `columns`: the batch has no room for so many names; the message may fit an empty
 * builder, so finish the batch and offer it again.
 */
export const decodeReasons = [
  'empty',
  'too_large',
  'encoding',
  'syntax',
  'structure',
  'time',
  'limit',
  'columns',
] as const;
export type DecodeReason = (typeof decodeReasons)[number];

/** Thrown by a format's reader and caught at the decoder's edge; never leaves this room. */
export class Undecodable extends Error {
  override readonly name = 'Undecodable';
  readonly reason: DecodeReason;

  constructor(reason: DecodeReason, detail: string) {
    super(oneLine(detail));
    this.reason = reason;
  }
}

/** A payload, or a line of NDJSON, of more bytes than are decoded at once. */
export function tooLarge(bytes: number, bytesMax: number): Undecodable {
  const wayOut =
    bytesMax < maxPayloadMost
      ? `raise decode.max_payload of the stream (up to ${maxPayloadMost / MiB}MiB), or send less at a time`
      : 'a fixed limit; send less at a time';
  return new Undecodable('too_large', `${bytes} bytes, at most ${bytesMax} are decoded: ${wayOut}`);
}

/** More than one message may hold; `what` begins with the figure. */
export function beyondFixed(what: string, wayOut: string): Undecodable {
  return new Undecodable('limit', `more than ${what}, a fixed limit: ${wayOut}`);
}

/** A number is written that no double comes near: reading it as infinity would store another value. */
export function beyondDouble(what: string): Undecodable {
  return new Undecodable('limit', `${what} is beyond the range of a double (1.8e308)`);
}

/** Any text as one printable line of at most `detailLengthLimit`: payload text ends up in it. */
export function oneLine(text: string): string {
  const cut = text.length > detailLengthLimit ? `${text.slice(0, detailLengthLimit - 1)}…` : text;
  return cut.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ').toWellFormed();
}

/** @throws {Undecodable} for text that has no UTF-8 form: JSON can write half of a surrogate pair. */
export function checkText(text: string, what: string): void {
  if (!text.isWellFormed()) throw new Undecodable('encoding', `${what} holds half of a surrogate pair`);
}
