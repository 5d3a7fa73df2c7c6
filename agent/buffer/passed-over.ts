import { windowMicros, isSketchLevel, segmentLevel, type Level } from './rungs/levels.ts';

/**
 * Why a level was passed over. `short_lines`, `short_windows`: there would be too few readings in one; `saves_little`: less than three tenths; `too_wide`: more figures than a
 * block takes; `rounded_often`: squares would not keep their stated error; `unreadable`: summaries that do not read as such.
 */
export type PassReason =
  | 'short_lines'
  | 'short_windows'
  | 'saves_little'
  | 'too_wide'
  | 'rounded_often'
  | 'unreadable';

export interface PassedOver {
  readonly reason: PassReason;
  /** Of short lines: whose values ended most of them; null where it was time that did not go on, and of anything else. */
  readonly field: string | null;
}

/** What is told of one level of one stream. */
export interface PassedLevel extends PassedOver {
  readonly level: Level;
  /** `lines`, `windows of 10 min`, `sketches of 4 d`. */
  readonly rung: string;
  /** For which it was passed over since the start, for whatever reason; the one that is told is of the last. */
  readonly blocks: number;
}

/** Levels the ladder passed over since the start: one entry a level of a stream. */
export class PassedLevels {
  readonly #streams = new Map<string, Map<Level, PassedLevel>>();

  note(stream: string, level: Level, by: PassedOver & { readonly blocks: number }): void {
    let levels = this.#streams.get(stream);
    if (levels === undefined) this.#streams.set(stream, (levels = new Map()));
    const blocks = by.blocks + (levels.get(level)?.blocks ?? 0);
    levels.set(level, { level, rung: rungName(level), reason: by.reason, field: by.field, blocks });
  }

  /** Finest first. */
  of(stream: string): readonly PassedLevel[] {
    const levels = this.#streams.get(stream);
    return levels === undefined ? [] : [...levels.values()].sort((a, b) => a.level - b.level);
  }
}

function rungName(level: Level): string {
  if (level === segmentLevel) return 'lines';
  const minutes = windowMicros(level) / 60_000_000;
  const span =
    minutes < 60 ? `${minutes} min` : minutes < 1_440 ? `${minutes / 60} h` : `${minutes / 1_440} d`;
  return `${isSketchLevel(level) ? 'sketches' : 'windows'} of ${span}`;
}
