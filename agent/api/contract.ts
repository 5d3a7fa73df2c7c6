/**
 * What `/v1/*` answers, as JSON: the contract between the agent, the CLI, the dashboard and other programs. Names are
 * snake_case and end in their unit; times are RFC 3339 in UTC; null says "not known" or "does not apply". Fields are added,
 * never renamed.
 */
export interface StatusJson {
  readonly agent: { readonly id: string; readonly site: string | null };
  readonly version: string;
  readonly time: string;
  readonly uptime_seconds: number;
  /** Whether the host's clock is disciplined (NTP, PTP), and by how much it is believed to be off. */
  readonly clock: {
    readonly synchronized: boolean | null;
    readonly offset_seconds: number | null;
    /** False while nobody has set the clock since boot: times of arrival are counted on from what is known. */
    readonly trusted: boolean;
  };
  /** Every needed part is ok or degraded. */
  readonly ready: boolean;
  readonly parts: readonly PartJson[];
  readonly sources: readonly SourceJson[];
  readonly streams: readonly StreamJson[];
  readonly uplinks: readonly UplinkJson[];
  readonly buffer: BufferJson;
  /** Messages whose topic no stream takes, since the streams were configured last; topic and source are those of the last one. */
  readonly unrouted: { readonly messages: number; readonly topic: string; readonly source: string } | null;
  readonly ledger: { readonly balanced: boolean };
  readonly host: HostJson;
}

export type PartState = 'ok' | 'starting' | 'degraded' | 'failed';

export interface PartJson {
  /** `kind.name`: `source.line`, `uplink.cloud`, `disk`. */
  readonly name: string;
  readonly state: PartState;
  /** In words; '' when there is nothing to say. */
  readonly reason: string;
  readonly since: string;
  /** `/readyz` waits for it. */
  readonly needed: boolean;
}

export interface SourceJson {
  readonly name: string;
  /** `mqtt`, `broker`, `http`, `replay`. */
  readonly type: string;
  readonly state: PartState;
  /** "connected to broker:1883 for 3 h", "reconnecting in 4 s: connection refused". */
  readonly words: string;
  readonly messages: number;
  /** Messages received and not yet acknowledged. */
  readonly in_flight: number;
  readonly duplicates: number;
  readonly undecodable: number;
  readonly rate_per_second: number | null;
}

/** Counts of readings. Promise: received = delivered + buffered + filtered + coarsened + dropped. */
export interface StreamJson {
  readonly name: string;
  readonly priority: number;
  readonly received: number;
  readonly delivered: number;
  readonly buffered: number;
  readonly filtered: number;
  /** `filtered` and `dropped` by rule, in the order of their names. Absent: an older agent still runs. */
  readonly filtered_by?: readonly RuleCountJson[];
  readonly dropped_by?: readonly RuleCountJson[];
  readonly coarsened: number;
  /** What is kept, by fidelity, finest first. */
  readonly rungs: readonly RungJson[];
  /** Rungs that the ladder passed over since the start, finest first. */
  readonly passed_over: readonly PassedOverJson[];
  readonly dropped: number;
  /** Offset of the next reading. */
  readonly head: number;
  readonly bytes: number;
  readonly rate_per_second: number | null;
  /** Commit time of the oldest buffered reading. */
  readonly oldest: string | null;
  readonly clock: StreamClockJson;
}

/** Which clock a stream's times stand on. Counts are of readings that are kept. */
export interface StreamClockJson {
  readonly source: 'device' | 'arrival';
  readonly trusted: boolean;
  /** Get their true time once the clock is set. */
  readonly waiting_readings: number;
  readonly corrected_readings: number;
  /** Of a boot that ended before its clock was set. */
  readonly uncorrectable_readings: number;
  /** "arrival, clock not synchronized since boot, 12 readings will be corrected". */
  readonly words: string;
}

/** Readings kept raw, or in summaries of one fidelity. */
export interface RungJson {
  readonly fidelity: string;
  readonly readings: number;
  /** 0 where they are raw. */
  readonly summaries: number;
  readonly bytes: number;
}

/** A rung of the ladder that some blocks did not stop at. */
export interface PassedOverJson {
  /** `lines`, `windows of 10 min`, `sketches of 4 d`. */
  readonly rung: string;
  /** For the last of them: `short_lines`, `short_windows`, `saves_little`, `too_wide`, `rounded_often`, `unreadable`. */
  readonly reason: string;
  /** Of short lines: whose values ended most of them. */
  readonly field: string | null;
  readonly blocks: number;
}

export interface UplinkJson {
  readonly name: string;
  readonly type: string;
  readonly state: 'up' | 'down' | 'probing' | 'paused' | 'starting';
  /** One sentence, as `sedge status` prints it after the name: "down for 12 min, retry in 40 s". */
  readonly words: string;
  readonly waiting_readings: number;
  readonly waiting_bytes: number;
  readonly delivered: number;
  readonly refused: number;
  readonly rate_per_second: number | null;
  readonly oldest: string | null;
  readonly last_success: string | null;
  /** Bytes sent today and the budget of a day. */
  readonly budget_used_bytes: number | null;
  readonly budget_bytes: number | null;
  readonly streams: readonly UplinkStreamJson[];
}

export interface UplinkStreamJson {
  readonly stream: string;
  readonly waiting_readings: number;
  /** Sent and not yet answered. */
  readonly in_flight: number;
  readonly oldest: string | null;
}

export interface BufferJson {
  /** Names the buffer's database, 16 hex digits: offsets count within it, and lines of uplinks carry it. */
  readonly epoch: string;
  readonly bytes: number;
  readonly size_bytes: number;
  /** 0 … 100. */
  readonly percent: number;
  readonly readings: number;
  readonly when_full: 'block' | 'drop_oldest' | 'coarsen';
  /** At the present rate, 0 when it is full; null when it does not grow or the rate is not known yet. */
  readonly full_in_seconds: number | null;
  readonly disk_free_bytes: number | null;
  /** Append calls to their fsync, over the last minutes. */
  readonly commit_p50_seconds: number | null;
  readonly commit_p99_seconds: number | null;
  readonly words: string;
}

export interface LedgerJson {
  readonly balanced: boolean;
  readonly streams: readonly LedgerStreamJson[];
}

export interface LedgerStreamJson {
  readonly stream: string;
  readonly balanced: boolean;
  readonly received: number;
  readonly delivered: number;
  readonly buffered: number;
  readonly coarsened: { readonly readings: number; readonly summaries: number };
  readonly filtered: readonly RuleCountJson[];
  readonly dropped: readonly RuleCountJson[];
}

export interface RuleCountJson {
  readonly rule: string;
  readonly count: number;
}

export interface HostJson {
  /** "Raspberry Pi 4 Model B", or what the host says of itself. */
  readonly model: string | null;
  readonly temperature_celsius: number | null;
  /** What holds the processor back now: `under_voltage`, `frequency_capped`, `throttled`, `soft_temperature_limit`. */
  readonly throttled: readonly string[];
  readonly disk_free_bytes: number | null;
  readonly disk_size_bytes: number | null;
  readonly memory_available_bytes: number | null;
  readonly memory_size_bytes: number | null;
  /** One minute's load over the number of processors. */
  readonly load_ratio: number | null;
  readonly cpu_busy_ratio: number | null;
  readonly uptime_seconds: number | null;
  /** Resident memory of the agent. */
  readonly process_memory_bytes: number | null;
}

/** A reading as uplinks send it. */
export interface ReadingJson {
  readonly agent: string;
  /** Names the buffer the offset counts in. Null before the reading is stored. */
  readonly epoch: string | null;
  readonly stream: string;
  /** Null before the reading is stored. */
  readonly offset: number | null;
  readonly time: string;
  readonly quality: string;
  readonly fidelity: string;
  /** Of a summary: the offset after its last reading, how many readings it stands for, and the greatest of their times. Absent of a raw reading. */
  readonly until?: number;
  readonly count?: number;
  readonly end?: string;
  /** Set where the time of arrival was taken while nobody had set the clock; `rebased`: corrected since. */
  readonly clock?: 'unset' | 'rebased';
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface TailJson {
  readonly stream: string;
  readonly readings: readonly ReadingJson[];
}

/** A page of stored readings. */
export interface PageJson {
  readonly stream: string;
  readonly readings: readonly ReadingJson[];
  /** Offset to ask for next; null at the end of what is stored. */
  readonly next: number | null;
  /**
   * To be given with `next`: the pages of a walk hold each reading once, raw or in one summary, also when it grows coarser meanwhile. Without it, summaries that
   * reach over the begin of a page are repeated.
   */
  readonly walk: string;
}

/** `/v1/config`. */
export interface ConfigJson {
  /** The configuration in force with every default; secrets are references. */
  readonly yaml: string;
  /** Of it, what the last reload could not start, and the next one tries again. */
  readonly unstarted: readonly {
    readonly part: string;
    readonly name: string;
    readonly reason: string;
  }[];
}

/** `/readyz`. */
export interface ReadinessJson {
  readonly ready: boolean;
  readonly parts: readonly PartJson[];
}

/** Why `/v1/events` ends where it is asked for a stream or point that is not there. */
export const noSuchPoint = 'no such stream or point';

/** Messages of `/v1/events`, one JSON text each. */
export type LiveJson =
  | {
      readonly kind: 'hello';
      readonly agent: string;
      readonly version: string;
      readonly streams: readonly string[];
    }
  | {
      readonly kind: 'readings';
      readonly stream: string;
      /** Where in the pipeline: `received`, `0:keep` … `stored`. */
      readonly point: string;
      readonly readings: readonly ReadingJson[];
      /** Readings left out between this message and the one before, because taps are sampled under load. */
      readonly skipped: number;
    }
  | { readonly kind: 'closed'; readonly reason: string };
