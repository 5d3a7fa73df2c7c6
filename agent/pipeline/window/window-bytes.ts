import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { tagsOf } from '../../reading/tag-table.ts';
import { watchedFieldsMax } from '../limits.ts';
import { Accumulator } from './accumulator.ts';
import type { Group, Member, Slice } from './groups.ts';
import { newGroup, newMember } from './groups.ts';
import type { WindowCore } from './window-core.ts';
import { seriesKey } from '../../reading/batch.ts';

const version = 2;
/** What is known of a known slice still holds. */
const isSame = 2;
/** About what one takes in a delta, with its group and series; for the first capacity of a writer. */
const bytesASlice = 256;

/** What a saved record is of something known by its number, or brings it. */
const isKnown = 0;
const isNew = 1;

/** What a set and the values of a map have in common. */
interface Items<T> {
  readonly size: number;
  forEach(one: (item: T) => void): void;
}

interface Changes {
  readonly groups: Items<Group>;
  readonly members: Items<Member>;
  readonly slices: Items<Slice>;
  readonly removed: {
    readonly groups: readonly number[];
    readonly members: readonly number[];
    readonly slices: readonly number[];
  };
  /** Everything is new to the reader. */
  readonly isWhole: boolean;
}

/** The whole state; layout in ../README.md. */
export function saveWhole(core: WindowCore): Uint8Array<ArrayBuffer> {
  const { table } = core;
  const bytes = write(core, {
    groups: table.groups,
    members: table.members,
    slices: table.slicesById,
    removed: { groups: [], members: [], slices: [] },
    isWhole: true,
  });
  table.forgetChanges();
  return bytes;
}

/** What changed since the last save; null: nothing. */
export function saveChanges(core: WindowCore): Uint8Array<ArrayBuffer> | null {
  const { table } = core;
  const { dirtyGroups, dirtyMembers, dirtySlices, removed } = table;
  const gone = removed.groups.length + removed.members.length + removed.slices.length;
  if (dirtyGroups.size + dirtyMembers.size + dirtySlices.size + gone === 0) return null;
  const bytes = write(core, {
    groups: dirtyGroups,
    members: dirtyMembers,
    slices: dirtySlices,
    removed,
    isWhole: false,
  });
  table.forgetChanges();
  return bytes;
}

/** Empties the core first. False: the bytes are no state of such a stage, and the core is empty. */
export function loadWhole(core: WindowCore, bytes: Uint8Array): boolean {
  core.clear();
  return loadChanges(core, bytes);
}

/** False: the bytes do not continue what the core holds, which is then empty. */
export function loadChanges(core: WindowCore, bytes: Uint8Array): boolean {
  try {
    read(core, new ByteReader(bytes));
    core.table.forgetChanges();
    core.resume();
    return true;
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    core.clear();
    return false;
  }
}

function write(core: WindowCore, changes: Changes): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(1024 + bytesASlice * changes.slices.size);
  const { isWhole, removed } = changes;
  writer.uint8(version);
  for (const ids of [removed.slices, removed.members, removed.groups]) {
    writer.varint(ids.length);
    for (const id of ids) writer.varint(id);
  }
  // All names each time: they are few, and the same for most streams.
  writer.varint(core.fieldIds.size);
  for (const name of core.fieldIds.keys()) writer.text(name);
  writeEach(writer, changes.groups, (group) => writeGroup(writer, group, isWhole));
  writeEach(writer, changes.members, (member) => writeMember(writer, member, isWhole));
  writeEach(writer, changes.slices, (slice) => writeSlice(writer, slice, isWhole));
  return writer.written;
}

function writeEach<T>(writer: ByteWriter, items: Items<T>, one: (item: T) => void): void {
  writer.varint(items.size);
  items.forEach(one);
}

function writeGroup(writer: ByteWriter, group: Group, isWhole: boolean): void {
  const bring = isWhole || !group.isSaved;
  writer.uint8(bring ? isNew : isKnown);
  writer.varint(group.id);
  if (bring) {
    const tags = Object.entries(group.tags);
    writer.varint(tags.length);
    for (const [name, value] of tags) {
      writer.text(name);
      writer.text(value);
    }
  }
  writer.float64(group.watermark);
  group.isDirty = false;
  group.isSaved = true;
}

function writeMember(writer: ByteWriter, member: Member, isWhole: boolean): void {
  const bring = isWhole || !member.isSaved;
  writer.uint8(bring ? isNew : isKnown);
  writer.varint(member.id);
  if (bring) {
    writer.varint(member.group.id);
    writer.text(member.key);
  }
  writer.float64(member.maxMicros);
  member.isDirty = false;
  member.isSaved = true;
}

function writeSlice(writer: ByteWriter, slice: Slice, isWhole: boolean): void {
  const bring = isWhole || !slice.isSaved;
  const { saved } = slice;
  const same = saved.start === slice.start && saved.end === slice.end && saved.lateUntil === slice.lateUntil;
  writer.uint8(bring ? isNew : same ? isSame : isKnown);
  writer.varint(slice.id);
  if (bring) writer.varint(slice.group.id);
  if (bring || !same) {
    writer.float64(slice.start);
    writer.float64(slice.end);
    writer.float64(slice.lateUntil);
  }
  writer.uint8(slice.quality);
  const { fields } = slice;
  let count = 0;
  for (const sums of fields) if (sums !== undefined && (bring || sums.isDirty)) count++;
  writer.varint(count);
  for (let field = 0; field < fields.length; field++) {
    const sums = fields[field];
    if (sums === undefined || !(bring || sums.isDirty)) continue;
    writer.varint(field);
    sums.save(writer, isWhole);
  }
  sliceIsSaved(slice);
}

function sliceIsSaved(slice: Slice): void {
  slice.isDirty = false;
  slice.isSaved = true;
  slice.saved.start = slice.start;
  slice.saved.end = slice.end;
  slice.saved.lateUntil = slice.lateUntil;
}

/** @throws {MalformedBytes} */
function read(core: WindowCore, reader: ByteReader): void {
  const found = reader.uint8();
  if (found !== 1 && found !== version) throw new MalformedBytes('a version of saved windows');
  const { table } = core;
  readEach(reader, () => {
    const slice = table.slicesById.get(reader.varint());
    if (slice !== undefined) table.dropSlice(slice);
  });
  readEach(reader, () => {
    const member = table.membersById.get(reader.varint());
    if (member !== undefined) table.dropMember(member);
  });
  // Groups went with their last member.
  readEach(reader, () => void reader.varint());
  const names = reader.count(watchedFieldsMax, 'fields');
  for (let i = 0; i < names; i++)
    if (core.fieldId(reader.text()) !== i) throw new MalformedBytes('fields in another order');
  readEach(reader, () => readGroup(core, reader));
  readEach(reader, () => readMember(core, reader));
  readEach(reader, () => readSlice(core, reader, found));
  if (reader.remaining !== 0) throw new MalformedBytes('more than saved windows');
}

function readEach(reader: ByteReader, one: () => void): void {
  const count = reader.varint();
  for (let i = 0; i < count; i++) one();
}

function readGroup({ table }: WindowCore, reader: ByteReader): void {
  const brings = reader.uint8() === isNew;
  const id = reader.varint();
  let group = table.groupsById.get(id);
  if (brings) {
    const count = reader.varint();
    const pairs: [string, string][] = [];
    for (let i = 0; i < count; i++) pairs.push([reader.text(), reader.text()]);
    const tags = tagsOf(pairs);
    const key = seriesKey(tags);
    if (group !== undefined || table.groups.has(key)) throw new MalformedBytes('a group occurs twice');
    group = newGroup(id, key, tags);
    table.addGroup(group);
  }
  if (group === undefined) throw new MalformedBytes('a group nobody brought');
  group.watermark = reader.float64();
  group.isDirty = false;
  group.isSaved = true;
}

function readMember({ table }: WindowCore, reader: ByteReader): void {
  const brings = reader.uint8() === isNew;
  const id = reader.varint();
  let member = table.membersById.get(id);
  if (brings) {
    const group = table.groupsById.get(reader.varint());
    const key = reader.text();
    if (group === undefined || member !== undefined || table.members.has(key))
      throw new MalformedBytes('a series without its group, or twice');
    member = newMember(id, key, group);
    table.addMember(member);
  }
  if (member === undefined) throw new MalformedBytes('a series nobody brought');
  member.maxMicros = reader.float64();
  member.group.slowest = null;
  member.isDirty = false;
  member.isSaved = true;
}

function readSlice(core: WindowCore, reader: ByteReader, found: 1 | 2): void {
  const slice = readSliceHead(core, reader, found);
  slice.quality = reader.uint8();
  const count = reader.count(watchedFieldsMax, 'fields of a window');
  for (let i = 0; i < count; i++) {
    const field = reader.count(Math.max(0, core.fieldIds.size - 1), 'number of a field');
    const before = slice.fields[field] ?? null;
    if (before === null) core.table.accumulators++;
    const seed = slice.id * 1021 + field;
    slice.fields[field] = Accumulator.load(reader, { needs: core.needs, seed, before, version: found });
  }
  sliceIsSaved(slice);
}

/** The slice with its span as it is now. Version 1 tells group and span each time. */
function readSliceHead({ table }: WindowCore, reader: ByteReader, found: 1 | 2): Slice {
  const kind = found === 1 ? isNew : reader.uint8();
  if (kind > isSame) throw new MalformedBytes('a kind of saved window');
  const id = reader.varint();
  const group = kind === isNew ? table.groupsById.get(reader.varint()) : undefined;
  let slice = table.slicesById.get(id);
  if (kind === isSame && slice !== undefined) return slice;
  const start = reader.float64();
  const end = reader.float64();
  if (!(start < end)) throw new MalformedBytes('a window of no time');
  if (slice === undefined) {
    if (group === undefined) throw new MalformedBytes('a window of no group');
    slice = table.addSlice(group, { start, end }, id);
  }
  slice.start = start;
  slice.end = end;
  slice.lateUntil = reader.float64();
  return slice;
}
