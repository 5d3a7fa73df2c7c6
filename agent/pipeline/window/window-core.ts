import type { Batch, Column } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import {
  frequentItemCharsMax,
  frequentItemsLg,
  latenessMicrosMax,
  windowAccumulatorBytesMax,
  windowSlicesMax,
} from '../limits.ts';
import { sketchKindNames, takesTexts, type SketchNeeds } from './field-sketches.ts';
import { Accumulator } from './accumulator.ts';
import { GroupTable } from './group-table.ts';
import type { Group, Member, Slice } from './groups.ts';
import { newestOf } from './groups.ts';
import { numbersOf } from '../stages/field-filter.ts';
import type { WindowPlan } from './window-config.ts';
import { WindowPass } from './window-pass.ts';
import type { Due, WatchedColumn } from './window-pass.ts';
import type { ClosedWindow, Windowing } from './windowing.ts';
import { FixedWindows, SessionWindows } from './windowing.ts';

export interface CoreOptions {
  readonly plan: WindowPlan;
  readonly takes: (field: string) => boolean;
  readonly needs: SketchNeeds;
  readonly seriesMax: number;
  /** Fields beyond this many are not taken in. */
  readonly fieldsMax: number;
}

/** What becomes of one batch in the core. */
export interface Passed {
  /** Rows too late for every window, ascending. */
  readonly late: readonly number[];
  /** Series forgotten to keep the bounds; their windows were given out as they stood. */
  readonly evicted: number;
}

/** Bytes of one accumulator, from measurement: the object, and what its sketches come to. */
const accumulatorBytes = {
  sums: 200,
  moments: 300,
  quantiles: 5_200,
  distinct: 2_200,
  histogram: 3_000,
  frequent: 0.75 * 2 ** frequentItemsLg * (2 * frequentItemCharsMax + 64),
} as const;
const bytesPerMember = 700;
/** Kinds of columns that may hold texts or booleans. */
const textKinds: ReadonlySet<Column['kind']> = new Set(['text', 'boolean', 'mixed']);

/**
 * Windows in event time, whatever is done with them. Row by row: the reading moves the watermark of its group, then it is put into a
 * slice; values follow column by column, before anything is given out that they could change. So cuts between batches do not show.
 */
export class WindowCore {
  readonly table: GroupTable;
  /** Numbers of the fields seen, in order of appearance. */
  readonly fieldIds = new Map<string, number>();
  readonly needs: SketchNeeds;
  readonly seriesMax: number;
  /** Since start. */
  evicted = 0;
  readonly #plan: WindowPlan;
  readonly #takes: (field: string) => boolean;
  readonly #accumulatorsMax: number;
  readonly #fieldsMax: number;
  readonly #bytesPerAccumulator: number;
  readonly #windowing: Windowing;
  /** A wall clock at or before which no idle group is due; Infinity: none waits. */
  #idleDueMicros = Number.POSITIVE_INFINITY;

  constructor({ plan, takes, needs, seriesMax, fieldsMax }: CoreOptions) {
    this.#fieldsMax = fieldsMax;
    this.#plan = plan;
    this.#takes = takes;
    this.needs = needs;
    this.seriesMax = seriesMax;
    this.#bytesPerAccumulator = bytesOf(needs);
    this.#accumulatorsMax = Math.floor(windowAccumulatorBytesMax / this.#bytesPerAccumulator);
    this.table = new GroupTable(plan.by, seriesMax);
    this.#windowing = plan.isSession
      ? new SessionWindows(plan, this.table, (into, from) => this.#mergeSlices(into, from))
      : new FixedWindows(plan, this.table);
  }

  get bytes(): number {
    return this.table.accumulators * this.#bytesPerAccumulator + this.table.members.size * bytesPerMember;
  }

  get nextIdleMicros(): number {
    return this.#idleDueMicros;
  }

  process(batch: Batch, nowMicros: number, give: (window: ClosedWindow) => void): Passed {
    const pass = new WindowPass(this, batch, this.#columnsOf(batch));
    // Not all series of a batch have readings left in it.
    const members: (Member | undefined)[] = Array.from({ length: batch.series.length });
    const { timeMicros, quality, seriesIndex } = batch;
    const { isSession } = this.#plan;
    const late: number[] = [];
    let row = 0;
    const settle = (): void => pass.settle(row, () => this.#closeDue(pass.due, give));
    for (; row < batch.length; row++) {
      const series = seriesIndex[row]!;
      const member = (members[series] ??= this.#heard(this.table.touch(batch.series[series]!), nowMicros));
      const time = timeMicros[row]!;
      if (time > member.maxMicros) this.#advance(member, time, pass.due);
      else if (time < member.maxMicros - this.#resetSpan) {
        settle();
        this.#setBack(member, time, give);
      }
      if (quality[row] === Quality.bad) continue;
      let slice = member.slice;
      if (
        isSession ||
        slice === null ||
        time < slice.start ||
        time >= slice.end ||
        slice.end <= member.group.watermark
      )
        slice = this.#place(member.group, time, pass.due, settle);
      member.slice = slice;
      if (slice === null) late.push(row);
      else pass.put(row, slice, quality[row]!);
    }
    settle();
    pass.end();
    for (const member of members) if (member !== undefined) this.#awaitGroup(member.group, nowMicros);
    return { late, evicted: this.#keepBounds(give) };
  }

  /** Lets event time of silent groups run on with the wall clock. */
  tick(nowMicros: number, give: (window: ClosedWindow) => void): void {
    if (nowMicros < this.#idleDueMicros) return;
    const due: Due[] = [];
    const { idleMicros, outOfOrderMicros } = this.#plan;
    for (const group of this.table.groups.values()) {
      if (group.slices.length === 0) continue;
      const heard = heardOf(group, nowMicros);
      const silent = nowMicros - heard;
      if (silent >= idleMicros) this.#raise(group, newestOf(group) + silent - outOfOrderMicros, due);
      else if (group.members.length > 1) this.#raise(group, this.#slowestOf(group, nowMicros), due);
    }
    this.#closeDue(due, give);
    this.#idleDueMicros = Number.POSITIVE_INFINITY;
    for (const group of this.table.groups.values()) this.#awaitGroup(group, nowMicros);
  }

  /** Gives out every window as it stands, and is then empty. */
  flush(give: (window: ClosedWindow) => void): void {
    for (const group of this.table.groups.values())
      this.#windowing.close(group, Number.POSITIVE_INFINITY, give);
    this.clear();
  }

  /** Number of a field; -1 when there are too many. */
  fieldId(name: string): number {
    let id = this.fieldIds.get(name);
    if (id === undefined) {
      if (this.fieldIds.size >= this.#fieldsMax) return -1;
      id = this.fieldIds.size;
      this.fieldIds.set(name, id);
    }
    return id;
  }

  accumulatorOf(slice: Slice, field: number): Accumulator {
    const there = slice.fields[field];
    if (there !== undefined) return there;
    this.table.accumulators++;
    return (slice.fields[field] = new Accumulator(this.needs, slice.id * 1021 + field));
  }

  fresh(): Accumulator {
    return new Accumulator(this.needs, 1);
  }

  /** After a restore: what a group has due follows from the rest. */
  resume(): void {
    for (const group of this.table.groups.values()) {
      group.closedMicros = group.watermark;
      group.dueMicros = this.#windowing.nextDue(group);
      // Silence is counted from the first tick.
      if (group.slices.length > 0) this.#idleDueMicros = Number.NEGATIVE_INFINITY;
    }
  }

  clear(): void {
    this.table.clear();
    this.fieldIds.clear();
    this.#idleDueMicros = Number.POSITIVE_INFINITY;
  }

  get #resetSpan(): number {
    const { everyMicros, outOfOrderMicros, latenessMicros } = this.#plan;
    return latenessMicrosMax + everyMicros + outOfOrderMicros + latenessMicros;
  }

  #columnsOf(batch: Batch): WatchedColumn[] {
    const columns: WatchedColumn[] = [];
    for (const column of batch.columns) {
      if (!this.#takes(column.name)) continue;
      const values = column.kind === 'boolean' ? null : numbersOf(column);
      const hasTexts = takesTexts(this.needs) && textKinds.has(column.kind);
      if (values === null && !hasTexts) continue;
      const field = this.fieldId(column.name);
      if (field >= 0) columns.push({ field, column, values, hasTexts });
    }
    return columns;
  }

  #heard(member: Member, nowMicros: number): Member {
    member.heardMicros = nowMicros;
    return member;
  }

  /** The newest reading of a member so far. */
  #advance(member: Member, time: number, due: Due[]): void {
    const { group } = member;
    member.maxMicros = time;
    this.#touchMember(member);
    if (group.members.length === 1) this.#raise(group, time - this.#plan.outOfOrderMicros, due);
    else if (group.slowest === member || this.#isSilent(group.slowest, member.heardMicros))
      this.#raise(group, this.#slowestOf(group, member.heardMicros), due);
  }

  /** Watermark of a group of several members: that of the slowest one that is not silent. */
  #slowestOf(group: Group, nowMicros: number): number {
    let slowest: Member | null = null;
    for (const member of group.members) {
      if (this.#isSilent(member, nowMicros)) continue;
      if (slowest === null || member.maxMicros < slowest.maxMicros) slowest = member;
    }
    group.slowest = slowest;
    return slowest === null ? group.watermark : slowest.maxMicros - this.#plan.outOfOrderMicros;
  }

  #isSilent(member: Member | null, nowMicros: number): boolean {
    return member === null || nowMicros - member.heardMicros >= this.#plan.idleMicros;
  }

  #raise(group: Group, watermark: number, due: Due[]): void {
    if (watermark <= group.watermark) return;
    group.watermark = watermark;
    this.#touchGroup(group);
    if (watermark < group.dueMicros) return;
    due.push({ group, until: watermark });
    group.dueMicros = this.#windowing.nextDue(group);
  }

  #touchMember(member: Member): void {
    if (member.isDirty) return;
    member.isDirty = true;
    this.table.dirtyMembers.add(member);
  }

  #touchGroup(group: Group): void {
    if (group.isDirty) return;
    group.isDirty = true;
    this.table.dirtyGroups.add(group);
  }

  #place(group: Group, time: number, due: Due[], settle: () => void): Slice | null {
    if (group.slices.length >= windowSlicesMax) {
      // A member far behind the others of its group must not pile up windows without end.
      const { everyMicros, slideMicros, latenessMicros } = this.#plan;
      const oldest = group.slices[0]!;
      this.#raise(group, oldest.start + Math.max(everyMicros, slideMicros) + latenessMicros, due);
      settle();
    }
    return this.#windowing.place(group, time, settle);
  }

  /** The clock of a member was set back: what lies in the future of its whole group is given out, and time goes on from here. */
  #setBack(member: Member, time: number, give: (window: ClosedWindow) => void): void {
    const { group } = member;
    member.maxMicros = time;
    this.#touchMember(member);
    group.slowest = null;
    if (newestOf(group) + latenessMicrosMax < group.watermark) {
      this.#windowing.close(group, Number.POSITIVE_INFINITY, give);
      group.watermark = newestOf(group) - this.#plan.outOfOrderMicros;
      group.closedMicros = group.watermark;
      group.dueMicros = Number.POSITIVE_INFINITY;
      this.#touchGroup(group);
    }
  }

  #closeDue(due: Due[], give: (window: ClosedWindow) => void): void {
    for (const { group, until } of due.splice(0)) this.#windowing.close(group, until, give);
  }

  #mergeSlices(into: Slice, from: Slice): void {
    for (const [i, field] of from.fields.entries())
      if (field !== undefined) this.accumulatorOf(into, i).merge(field);
    into.quality = Math.max(into.quality, from.quality);
    if (into.isDirty) return;
    into.isDirty = true;
    this.table.dirtySlices.add(into);
  }

  /** When silence would close the group's next window. */
  #awaitGroup(group: Group, nowMicros: number): void {
    if (group.slices.length === 0) return;
    const { idleMicros, outOfOrderMicros } = this.#plan;
    const heard = heardOf(group, nowMicros);
    let at = heard + Math.max(idleMicros, group.dueMicros + outOfOrderMicros - newestOf(group));
    if (group.members.length > 1)
      for (const member of group.members)
        if (nowMicros - member.heardMicros < idleMicros) at = Math.min(at, member.heardMicros + idleMicros);
    if (at < this.#idleDueMicros) this.#idleDueMicros = at;
  }

  /** Gives out and forgets the series unheard for longest while there are too many, or their windows hold too much. */
  #keepBounds(give: (window: ClosedWindow) => void): number {
    const { members } = this.table;
    let evicted = 0;
    while (members.size > this.seriesMax || this.table.accumulators > this.#accumulatorsMax) {
      const [oldest] = members.values();
      if (oldest === undefined) break;
      if (oldest.group.members.length === 1)
        this.#windowing.close(oldest.group, Number.POSITIVE_INFINITY, give);
      this.table.dropMember(oldest);
      evicted++;
    }
    this.evicted += evicted;
    return evicted;
  }
}

/** When any member was heard last. A wall clock that was set back, or a restart, counts silence anew. */
function heardOf(group: Group, nowMicros: number): number {
  let heard = Number.NEGATIVE_INFINITY;
  for (const member of group.members) {
    if (!(member.heardMicros <= nowMicros)) member.heardMicros = nowMicros;
    heard = Math.max(heard, member.heardMicros);
  }
  return heard;
}

function bytesOf(needs: SketchNeeds): number {
  let bytes: number = accumulatorBytes.sums;
  for (const kind of sketchKindNames) if (needs[kind]) bytes += accumulatorBytes[kind];
  return bytes;
}
