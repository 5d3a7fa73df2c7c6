import type { Tags } from '../../reading/batch.ts';
import type { Accumulator } from './accumulator.ts';

/** Sums over one stretch of event time of one group. A window is one slice (tumbling, session) or several in a row (sliding). */
export interface Slice {
  /** Never used again, so that saved state can name it. */
  readonly id: number;
  readonly group: Group;
  /** Holds the event times `start <= t < end`; of a session, `end` is its last reading and the gap. Microseconds. */
  start: number;
  end: number;
  /** By number of the field; undefined where no reading had it. */
  readonly fields: (Accumulator | undefined)[];
  /** The worst quality that entered. */
  quality: number;
  /** Watermark when a reading entered last that belongs to a window given out already; -Infinity: none has. */
  lateUntil: number;
  isDirty: boolean;
  /** In saved state, as far as it was asked for. */
  isSaved: boolean;
  /** As it was saved last. */
  readonly saved: { start: number; end: number; lateUntil: number };
  /** Place among the slices the batch at hand has touched; -1: not touched. */
  touched: number;
}

/** A series as it comes in. Windows may put several together. */
export interface Member {
  readonly id: number;
  readonly key: string;
  readonly group: Group;
  /** Newest event time. */
  maxMicros: number;
  /** Wall clock when it was heard last. Not saved: after a restart silence is counted anew. */
  heardMicros: number;
  /** Where the last reading went: the next one mostly goes there too. */
  slice: Slice | null;
  isLive: boolean;
  isDirty: boolean;
  isSaved: boolean;
}

/** What windows are kept for: a series, or all those that agree in the tags of `by`. */
export interface Group {
  readonly id: number;
  readonly key: string;
  readonly tags: Tags;
  readonly members: Member[];
  /** The member that holds the watermark back; null: to be looked for. */
  slowest: Member | null;
  /** Event time up to which everything is taken to have come. Never falls, but for a clock that was set back. */
  watermark: number;
  /** Watermark up to which windows were given out. At most `watermark`; equal to it between batches, as far as it matters. */
  closedMicros: number;
  /** The next watermark at which a window may close. */
  dueMicros: number;
  /** Ascending by start. Invariant: disjoint. */
  readonly slices: Slice[];
  isDirty: boolean;
  isSaved: boolean;
}

export const newGroup = (id: number, key: string, tags: Tags): Group => ({
  id,
  key,
  tags,
  members: [],
  slowest: null,
  watermark: Number.NEGATIVE_INFINITY,
  closedMicros: Number.NEGATIVE_INFINITY,
  dueMicros: Number.POSITIVE_INFINITY,
  slices: [],
  isDirty: true,
  isSaved: false,
});

export const newMember = (id: number, key: string, group: Group): Member => ({
  id,
  key,
  group,
  maxMicros: Number.NEGATIVE_INFINITY,
  heardMicros: Number.NaN,
  slice: null,
  isLive: true,
  isDirty: true,
  isSaved: false,
});

export const newSlice = (id: number, group: Group, span: { start: number; end: number }): Slice => ({
  id,
  group,
  start: span.start,
  end: span.end,
  fields: [],
  quality: 0,
  lateUntil: Number.NEGATIVE_INFINITY,
  isDirty: true,
  isSaved: false,
  saved: { start: Number.NaN, end: Number.NaN, lateUntil: Number.NaN },
  touched: -1,
});

export function insertSlice(slice: Slice): void {
  const { slices } = slice.group;
  let at = slices.length;
  while (at > 0 && slices[at - 1]!.start > slice.start) at--;
  slices.splice(at, 0, slice);
}

/** The newest event time of any member. */
export function newestOf(group: Group): number {
  let newest = Number.NEGATIVE_INFINITY;
  for (const { maxMicros } of group.members) if (maxMicros > newest) newest = maxMicros;
  return newest;
}
