import { hour, millis, second } from '../base/units.ts';

/** Bounds of the room: what may grow, up to where, and why there. */
export const limits = {
  /** Series of one metric (distinct label values). 200 streams x a few rules fit; a label fed by payloads by mistake stops here. */
  seriesPerMetric: 1_024,
  /** Metrics that the catalogue does not know, created at run time: a plugin's or a bug's. */
  unknownMetrics: 128,
  /** Characters of one label value; longer ones are cut, so that one name cannot fill a scrape. */
  labelValueChars: 128,

  /** The same event with the same fields is printed once in this span; the rest is counted. */
  repeatWindowMs: millis(10 * second),
  /** Lines of one event in that span, whatever their fields: a report of every part of a gateway fits, a flood does not. */
  eventBurst: 50,
  /** Different events watched for repetition at once. At the bound the oldest leaves and prints its summary early. */
  repeatKeys: 512,
  /** Characters of one log message or field value; a log line stays under journald's 48 KiB line limit. */
  logValueChars: 2_048,
  /** Fields of one log line. */
  logFields: 32,

  /** Parts that report health: every source, stream worker, uplink and plugin of a large configuration. */
  parts: 1_024,
  /** Parts that mark progress: a few per thread. */
  progressParts: 128,

  /** Host figures are sampled this often: temperature and disk move slowly and a sample costs about a millisecond. */
  hostSampleMs: millis(30 * second),
  /** The event loop's lag is watched this often. */
  loopSampleMs: millis(1 * second),
  /** A wall clock that leaves the monotonic one by this much between two looks was set; discipline slews 0.5 ms a second. */
  clockStepMicrosMin: 1_000_000,
  /** 2026-01-01: no clock that is right stands before this program was written. */
  releaseMicros: 1_767_225_600_000_000,
  /** systemd's watchdog is fed at least this often, however long its interval is. */
  watchdogFeedMsMax: millis(1 * hour),
  /** Bytes of one STATUS= text; systemd prints one line of it. */
  statusBytes: 512,
} as const;
