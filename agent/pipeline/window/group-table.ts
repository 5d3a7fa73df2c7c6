import type { Tags } from '../../reading/batch.ts';
import { seriesKey } from '../../reading/batch.ts';
import { tagsOf } from '../../reading/tag-table.ts';
import { ChangedItems } from './changed-items.ts';
import type { Group, Member, Slice } from './groups.ts';
import { insertSlice, newGroup, newMember, newSlice } from './groups.ts';

/** Every group with its members and slices, what changed since the last save, and the order in which series were heard. */
export class GroupTable {
  /** By key of the series, unheard for longest first. */
  readonly members = new Map<string, Member>();
  readonly groups = new Map<string, Group>();
  readonly groupsById = new Map<number, Group>();
  readonly membersById = new Map<number, Member>();
  readonly slicesById = new Map<number, Slice>();
  readonly dirtyGroups = new ChangedItems<Group>();
  readonly dirtyMembers = new ChangedItems<Member>();
  readonly dirtySlices = new ChangedItems<Slice>();
  /** Saved, and gone since. */
  readonly removed = { groups: [] as number[], members: [] as number[], slices: [] as number[] };
  /** Live pairs of slice and field: what memory is counted by. */
  accumulators = 0;
  readonly #by: readonly string[] | null;
  readonly #limit: number;
  readonly #known = new WeakMap<Tags, Member>();
  #nextId = 1;

  /** `by`: the tags that name a group; null: all. `limit`: of members, for the price of keeping their order. */
  constructor(by: readonly string[] | null, limit: number) {
    this.#by = by;
    this.#limit = limit;
  }

  /** The member of a series, as the one heard last. */
  touch(tags: Tags): Member {
    const known = this.#known.get(tags);
    if (known?.isLive === true) {
      // With room to spare nothing can be evicted soon, and the order of use need not be kept to the reading.
      if (this.members.size * 2 > this.#limit) this.#moveLast(known);
      return known;
    }
    const key = seriesKey(tags);
    let member = this.members.get(key);
    if (member === undefined) {
      member = newMember(this.#nextId++, key, this.#groupOf(tags, key));
      this.addMember(member);
      this.dirtyMembers.add(member);
    } else this.#moveLast(member);
    this.#known.set(tags, member);
    return member;
  }

  addMember(member: Member): void {
    member.group.members.push(member);
    this.members.set(member.key, member);
    this.membersById.set(member.id, member);
    this.#nextId = Math.max(this.#nextId, member.id + 1);
  }

  addGroup(group: Group): void {
    this.groups.set(group.key, group);
    this.groupsById.set(group.id, group);
    this.#nextId = Math.max(this.#nextId, group.id + 1);
  }

  addSlice(group: Group, span: { start: number; end: number }, id = this.#nextId++): Slice {
    this.#nextId = Math.max(this.#nextId, id + 1);
    const slice = newSlice(id, group, span);
    insertSlice(slice);
    this.slicesById.set(id, slice);
    this.dirtySlices.add(slice);
    return slice;
  }

  dropSlice(slice: Slice): void {
    const { slices } = slice.group;
    slices.splice(slices.indexOf(slice), 1);
    this.slicesById.delete(slice.id);
    slice.isDirty = false;
    if (slice.isSaved) this.removed.slices.push(slice.id);
    for (const field of slice.fields) if (field !== undefined) this.accumulators--;
    for (const member of slice.group.members) if (member.slice === slice) member.slice = null;
  }

  /** The group goes with its last member; it must be empty then. */
  dropMember(member: Member): void {
    const { group } = member;
    member.isLive = false;
    this.members.delete(member.key);
    this.membersById.delete(member.id);
    member.isDirty = false;
    if (member.isSaved) this.removed.members.push(member.id);
    group.members.splice(group.members.indexOf(member), 1);
    group.slowest = null;
    if (group.members.length > 0) return;
    this.groups.delete(group.key);
    this.groupsById.delete(group.id);
    group.isDirty = false;
    if (group.isSaved) this.removed.groups.push(group.id);
  }

  clear(): void {
    for (const member of this.members.values()) member.isLive = false;
    for (const map of [this.members, this.groups, this.groupsById, this.membersById, this.slicesById])
      map.clear();
    this.accumulators = 0;
    this.#nextId = 1;
    this.forgetChanges();
  }

  /** Everything up to here is saved. */
  forgetChanges(): void {
    this.dirtyGroups.clear();
    this.dirtyMembers.clear();
    this.dirtySlices.clear();
    for (const ids of Object.values(this.removed)) ids.length = 0;
  }

  #groupOf(tags: Tags, key: string): Group {
    const by = this.#by;
    const ownTags =
      by === null
        ? tags
        : tagsOf(by.flatMap((name) => (Object.hasOwn(tags, name) ? [[name, tags[name]!]] : [])));
    const groupKey = by === null ? key : seriesKey(ownTags);
    let group = this.groups.get(groupKey);
    if (group === undefined) {
      group = newGroup(this.#nextId++, groupKey, ownTags);
      this.addGroup(group);
      this.dirtyGroups.add(group);
    }
    return group;
  }

  #moveLast(member: Member): void {
    this.members.delete(member.key);
    this.members.set(member.key, member);
  }
}
