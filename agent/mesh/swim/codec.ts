import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { assert } from '../../base/assert.ts';
import { fail, ok, type Result } from '../../base/result.ts';
import { agentId, type AgentId } from './agent-id.ts';
import type { Accuser, Claim, Details, MemberState } from './claim.ts';
import { limits } from './limits.ts';
import type { Message } from './message.ts';

/** The first byte of every message. A peer of another version is answered by closing its link. */
const version = 1;

/** Position is the byte on the wire; append only. */
const kinds = ['ping', 'ping-request', 'ack', 'nack', 'gossip', 'digest', 'state'] as const;
const states = ['alive', 'suspect', 'unreachable', 'left', 'removed'] as const;
const withDetails = 0x08;

export interface MessageFault {
  readonly reason: 'too-long' | 'version' | 'malformed';
  readonly detail: string;
}

/** At most `messageBytesMax` bytes; the room never builds a longer message. */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(version);
  writer.uint8(kinds.indexOf(message.kind));
  switch (message.kind) {
    case 'ping':
    case 'ack':
    case 'nack':
      writer.uint32(message.sequence);
      break;
    case 'ping-request':
      writer.uint32(message.sequence);
      writer.text(message.target);
      writer.varint(message.waitMs);
      break;
    case 'gossip':
      break;
    case 'digest':
      assert(message.cells.length === limits.digestCells, 'a digest has all its cells');
      for (const cell of message.cells) writer.uint32(cell);
      break;
    case 'state':
      writer.uint32(message.cells);
      writer.uint8(Number(message.answer));
      break;
  }
  writer.varint(message.claims.length);
  for (const claim of message.claims) writeClaim(writer, claim);
  assert(writer.length <= limits.messageBytesMax, 'a message fits its frame');
  return writer.finish();
}

/** Takes any bytes; allocates no more than their length allows. */
export function decodeMessage(bytes: Uint8Array): Result<Message, MessageFault> {
  if (bytes.length > limits.messageBytesMax)
    return fail({ reason: 'too-long', detail: `${bytes.length} bytes exceed ${limits.messageBytesMax}` });
  try {
    const reader = new ByteReader(bytes);
    const found = reader.uint8();
    if (found !== version)
      return fail({ reason: 'version', detail: `version ${found}, known is ${version}` });
    const message = readMessage(reader);
    if (reader.remaining > 0) throw new MalformedBytes(`${reader.remaining} bytes after the end`);
    return ok(message);
  } catch (error) {
    if (error instanceof MalformedBytes) return fail({ reason: 'malformed', detail: error.message });
    throw error;
  }
}

/** What a claim adds to a message, without writing it: asked for every claim that is queued. */
export function claimBytes(claim: Claim): number {
  let bytes = 1 + textBytes(claim.agent) + varintBytes(claim.incarnation);
  if (claim.details !== null)
    bytes += textBytes(claim.details.address) + 4 + textBytes(claim.details.attributes);
  if (isAccused(claim.state)) {
    bytes += 1;
    for (const accuser of claim.accusers) bytes += textBytes(accuser.agent) + 1;
  }
  if (isGone(claim.state)) bytes += varintBytes(claim.ageSeconds);
  return bytes;
}

function textBytes(text: string): number {
  const bytes = utf8Bytes(text);
  return varintBytes(bytes) + bytes;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** A lone surrogate is written as U+FFFD, three bytes like any other code unit above U+07FF. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    const isPair = unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1));
    if (isPair) i++;
    bytes += isPair || unit >= 0x800 ? 2 : 1;
  }
  return bytes;
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

function readMessage(reader: ByteReader): Message {
  const kind = kinds[reader.uint8()];
  if (kind === undefined) throw new MalformedBytes('unknown kind of message');
  switch (kind) {
    case 'ping':
    case 'ack':
    case 'nack':
      return { kind, sequence: reader.uint32(), claims: readClaims(reader) };
    case 'ping-request':
      return {
        kind,
        sequence: reader.uint32(),
        target: readAgent(reader),
        waitMs: reader.count(limits.relayWaitMsMax, 'wait'),
        claims: readClaims(reader),
      };
    case 'gossip':
      return { kind, claims: readClaims(reader) };
    case 'digest':
      return {
        kind,
        cells: Array.from({ length: limits.digestCells }, () => reader.uint32()),
        claims: readClaims(reader),
      };
    case 'state':
      return { kind, cells: reader.uint32(), answer: readFlag(reader), claims: readClaims(reader) };
  }
}

function writeClaim(writer: ByteWriter, claim: Claim): void {
  writer.uint8(states.indexOf(claim.state) | (claim.details === null ? 0 : withDetails));
  writer.text(claim.agent);
  writer.varint(claim.incarnation);
  if (claim.details !== null) {
    writer.text(claim.details.address);
    writer.uint32(claim.details.instance);
    writer.text(claim.details.attributes);
  }
  if (isAccused(claim.state)) {
    assert(claim.accusers.length > 0 && claim.accusers.length <= limits.accusersMax, 'somebody accuses');
    writer.uint8(claim.accusers.length);
    for (const accuser of claim.accusers) {
      writer.text(accuser.agent);
      writer.uint8(Number(accuser.refused));
    }
  }
  if (isGone(claim.state)) writer.varint(claim.ageSeconds);
}

function readClaims(reader: ByteReader): Claim[] {
  const count = reader.count(limits.claimsPerMessageMax, 'claims');
  // An announced count is not believed before the bytes are there: the list grows as claims are read.
  const claims: Claim[] = [];
  for (let i = 0; i < count; i++) claims.push(readClaim(reader));
  return claims;
}

function readClaim(reader: ByteReader): Claim {
  const head = reader.uint8();
  const state = states[head & 0x07];
  if (state === undefined || head > 0x0f) throw new MalformedBytes(`unknown state ${head}`);
  const agent = readAgent(reader);
  const incarnation = reader.count(limits.incarnationMax, 'incarnation');
  const details = (head & withDetails) === 0 ? null : readDetails(reader);
  const accusers = isAccused(state) ? readAccusers(reader) : [];
  const ageSeconds = isGone(state) ? reader.count(limits.ageSecondsMax, 'age') : 0;
  return { agent, state, incarnation, details, accusers, ageSeconds };
}

function readDetails(reader: ByteReader): Details {
  return {
    address: readText(reader, limits.addressBytesMax, 'address'),
    instance: reader.uint32(),
    attributes: readText(reader, limits.attributesBytesMax, 'attributes'),
  };
}

function readAccusers(reader: ByteReader): Accuser[] {
  const count = reader.uint8();
  if (count === 0 || count > limits.accusersMax) throw new MalformedBytes(`${count} accusers`);
  return Array.from({ length: count }, () => ({ agent: readAgent(reader), refused: readFlag(reader) }));
}

function readAgent(reader: ByteReader): AgentId {
  const text = readText(reader, limits.agentIdBytesMax, 'agent id');
  if (text === '') throw new MalformedBytes('empty agent id');
  return agentId(text);
}

function readText(reader: ByteReader, bytesMax: number, what: string): string {
  const start = reader.position;
  const text = reader.text();
  if (reader.position - start > bytesMax + lengthBytes(bytesMax))
    throw new MalformedBytes(`${what} is longer than ${bytesMax} bytes`);
  return text;
}

/** Of the varint before a text of the greatest length. */
const lengthBytes = (bytesMax: number): number => (bytesMax < 0x80 ? 1 : 2);

function readFlag(reader: ByteReader): boolean {
  const value = reader.uint8();
  if (value > 1) throw new MalformedBytes(`flag ${value}`);
  return value === 1;
}

const isGone = (state: MemberState): boolean =>
  state === 'unreachable' || state === 'left' || state === 'removed';

const isAccused = (state: MemberState): boolean => state === 'suspect' || state === 'unreachable';
