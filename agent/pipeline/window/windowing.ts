import type { Accumulator } from './accumulator.ts';
import type { Group, Slice } from './groups.ts';
import type { GroupTable } from './group-table.ts';
import type { WindowPlan } from './window-config.ts';

/** A window that is given out. */
export interface ClosedWindow {
  readonly group: Group;
  readonly start: number;
  readonly end: number;
  readonly slices: readonly Slice[];
  /** 0: as first given out; 1: with what came late, once lateness is over. */
  readonly revision: 0 | 1;
  /** It was given out before the watermark passed its end. */
  readonly isPartial: boolean;
}

/** How event time is cut into windows. */
export interface Windowing {
  /** The slice for a reading; null: it is too late for any. `settle` is to be called before anything that was given is changed. */
  place(group: Group, timeMicros: number, settle: () => void): Slice | null;
  /** Gives out, in order of time, what closes between `group.closedMicros` and `until`, and drops what nothing can change any more. */
  close(group: Group, until: number, give: (window: ClosedWindow) => void): void;
  /** A watermark above `group.watermark` below which nothing closes. */
  nextDue(group: Group): number;
}

/** Merges the sums of one into the other. */
export type MergeFields = (into: Slice, from: Slice) => void;

/** Windows of one length that begin at multiples of `slide`; each is a row of slices of that width (Li et al. 2005, "panes"). */
export class FixedWindows implements Windowing {
  readonly #plan: WindowPlan;
  readonly #table: GroupTable;

  constructor(plan: WindowPlan, table: GroupTable) {
    this.#plan = plan;
    this.#table = table;
  }

  place(group: Group, timeMicros: number, settle: () => void): Slice | null {
    const { slideMicros, everyMicros, latenessMicros } = this.#plan;
    const start = Math.floor(timeMicros / slideMicros) * slideMicros;
    if (start + everyMicros + latenessMicros <= group.watermark) return null;
    const isLate = start + slideMicros <= group.watermark;
    if (isLate) {
      // What was given out before this reading must not have it in; and what would have been, had anything been there, is a correction now.
      settle();
      group.closedMicros = group.watermark;
    }
    const slice =
      sliceAt(group, timeMicros) ?? this.#table.addSlice(group, { start, end: start + slideMicros });
    if (isLate) slice.lateUntil = Math.max(slice.lateUntil, group.watermark);
    group.dueMicros = Math.min(group.dueMicros, this.#boundaryAfter(group.watermark));
    return slice;
  }

  close(group: Group, until: number, give: (window: ClosedWindow) => void): void {
    const { everyMicros, latenessMicros } = this.#plan;
    for (const { end, revision } of this.#closing(group, until)) {
      const start = end - everyMicros;
      const slices = group.slices.filter((slice) => slice.start >= start && slice.start < end);
      give({ group, start, end, slices, revision, isPartial: end > group.watermark });
    }
    group.closedMicros = until;
    while (group.slices.length > 0) {
      const [first] = group.slices as [Slice];
      if (first.start + everyMicros + latenessMicros > until) break;
      this.#table.dropSlice(first);
    }
  }

  nextDue(group: Group): number {
    return group.slices.length === 0 ? Number.POSITIVE_INFINITY : this.#boundaryAfter(group.watermark);
  }

  /** Ends of the windows that any slice has a part in and that close now: first results and corrections, in the order they are due. */
  #closing(group: Group, until: number): { due: number; end: number; revision: 0 | 1 }[] {
    const { everyMicros, slideMicros, latenessMicros } = this.#plan;
    const after = group.closedMicros;
    const closing = new Map<number, { due: number; end: number; revision: 0 | 1 }>();
    const corrected = new Map<number, { due: number; end: number; revision: 0 | 1 }>();
    for (const slice of group.slices) {
      for (let end = slice.end; end <= slice.start + everyMicros; end += slideMicros) {
        if (end > after && end <= until) closing.set(end, { due: end, end, revision: 0 });
        const due = end + latenessMicros;
        if (slice.lateUntil >= end && due > after && due <= until)
          corrected.set(end, { due, end, revision: 1 });
      }
    }
    const all = [...closing.values(), ...corrected.values()];
    return all.length < 2 ? all : all.sort((a, b) => a.due - b.due || a.end - b.end);
  }

  /** The next multiple of `slide`, or of `slide` and lateness. */
  #boundaryAfter(watermark: number): number {
    const { slideMicros, latenessMicros } = this.#plan;
    const next = (Math.floor(watermark / slideMicros) + 1) * slideMicros;
    const rest = latenessMicros % slideMicros;
    return rest === 0 || next - slideMicros + rest <= watermark ? next : next - slideMicros + rest;
  }
}

/** Windows that last as long as a group is not silent for the gap. Given out once, when lateness is over, for late readings join them. */
export class SessionWindows implements Windowing {
  readonly #plan: WindowPlan;
  readonly #table: GroupTable;
  readonly #merge: MergeFields;

  constructor(plan: WindowPlan, table: GroupTable, merge: MergeFields) {
    this.#plan = plan;
    this.#table = table;
    this.#merge = merge;
  }

  place(group: Group, timeMicros: number, settle: () => void): Slice | null {
    const { slideMicros: gap, latenessMicros } = this.#plan;
    const end = timeMicros + gap;
    const [only] = group.slices;
    if (
      group.slices.length === 1 &&
      only!.start <= timeMicros &&
      timeMicros < only!.end &&
      only!.end + latenessMicros > group.watermark
    ) {
      if (end > only!.end) only!.end = end;
      return only!;
    }
    const met = group.slices.filter((slice) => slice.start < end && slice.end > timeMicros);
    // One that is due is given out as it stands, though it may still be in the table.
    const open = met.filter((slice) => slice.end + latenessMicros > group.watermark);
    const [first, ...others] = open;
    if (first === undefined) {
      if (end + latenessMicros <= group.watermark) return null;
      group.dueMicros = Math.min(group.dueMicros, end + latenessMicros);
      return this.#table.addSlice(group, { start: timeMicros, end });
    }
    if (others.length > 0) settle();
    for (const other of others) {
      this.#merge(first, other);
      first.end = Math.max(first.end, other.end);
      this.#table.dropSlice(other);
    }
    first.start = Math.min(first.start, timeMicros);
    first.end = Math.max(first.end, end);
    return first;
  }

  close(group: Group, until: number, give: (window: ClosedWindow) => void): void {
    const { slideMicros: gap, latenessMicros } = this.#plan;
    for (const slice of group.slices.filter(({ end }) => end + latenessMicros <= until)) {
      const isPartial = slice.end > group.watermark;
      give({ group, start: slice.start, end: slice.end - gap, slices: [slice], revision: 0, isPartial });
      this.#table.dropSlice(slice);
    }
    group.closedMicros = until;
  }

  nextDue(group: Group): number {
    const { latenessMicros } = this.#plan;
    let due = Number.POSITIVE_INFINITY;
    for (const { end } of group.slices)
      if (end + latenessMicros > group.watermark) due = Math.min(due, end + latenessMicros);
    return due;
  }
}

/** The slice of a fixed width that holds this time, or null. */
function sliceAt(group: Group, timeMicros: number): Slice | null {
  const { slices } = group;
  for (let i = slices.length - 1; i >= 0; i--) {
    const slice = slices[i]!;
    if (slice.start <= timeMicros) return timeMicros < slice.end ? slice : null;
  }
  return null;
}

/** The sums of a window: those of its slice, or of several together. */
export function fieldsOf(
  { slices }: ClosedWindow,
  fresh: (like: Accumulator) => Accumulator,
): readonly (Accumulator | undefined)[] {
  const [only] = slices;
  if (slices.length === 1) return only!.fields;
  const fields: (Accumulator | undefined)[] = [];
  for (const slice of slices) {
    for (const [i, field] of slice.fields.entries()) {
      if (field !== undefined) (fields[i] ??= fresh(field)).merge(field);
    }
  }
  return fields;
}
