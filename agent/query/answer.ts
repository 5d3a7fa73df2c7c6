/** What a query answers, as JSON: times are RFC 3339 in UTC, spans seconds; null says "not known" or "there is none". */
export interface AnswerJson {
  readonly query: string;
  /** Event times looked at, `from <= t < until`; null: open. */
  readonly from: string | null;
  readonly until: string | null;
  readonly keys: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly RowJson[];
  readonly coverage: CoverageJson;
  /** Names in the query that nothing asked has, each in a sentence, with what was likely meant. */
  readonly notes: readonly string[];
}

export interface RowJson {
  /** One for each key: the stream, the tag's value (null where a reading has no such tag), the begin of the window. */
  readonly key: readonly (string | null)[];
  /** Readings of any quality that the row stands on. */
  readonly readings: number;
  /** One for each column. */
  readonly cells: readonly CellJson[];
}

export type CellJson = FigureJson | ItemsJson | HistogramJson;

/** `low <= truth <= high`, with this confidence (1: always). `value` null: there is nothing to say it of. */
export interface FigureJson {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
}

export interface ItemsJson {
  readonly items: readonly { item: string; count: number; low: number; high: number | null }[];
}

export interface HistogramJson {
  readonly parts: readonly { from: number; to: number; count: number; low: number; high: number | null }[];
}

/** What the answer stands on. */
export interface CoverageJson {
  /** Every stream that was asked and all that is known of its readings could be used. */
  readonly complete: boolean;
  readonly streams: readonly string[];
  /** Readings by where they were found: as they came, or on a coarser rung; `sketch` includes what was rolled up by minute, hour and day. */
  readonly readings: Readonly<Record<Rung, number>>;
  /** The same as shares of all of them, 0 … 1. */
  readonly shares: Readonly<Record<Rung, number>>;
  /** Readings of these streams that were ever stored and are neither kept nor rolled up; their times are not known. */
  readonly lost: number;
  /** Readings known to be of the time asked, of which the fields asked for are not kept any more. */
  readonly unanswered: number;
  /** Readings in coarse records that reach over an edge of the range or of a window: they count where the middle of their record lies. */
  readonly over_edge: number;
  /** Of the time asked, seconds for which neither readings nor summaries are kept any more, summed over streams. */
  readonly gone_seconds: number;
  /** Readings of bad quality: counted by `count()`, in no figure of a field. */
  readonly bad: number;
  /** One sentence. */
  readonly words: string;
}

export const rungs = ['raw', 'segment', 'window', 'sketch'] as const;
export type Rung = (typeof rungs)[number];
