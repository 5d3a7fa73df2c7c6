/**
 * Every metric of sedge, declared once. Keys are the names rooms use: without the `sedge_` prefix, counters without `_total`.
 * A name ends in its unit. Names that begin with `process_` are Prometheus' own and get no prefix.
 */
export interface MetricDeclaration {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Base unit, and the end of the name; '' for plain counts, ratios and states. */
  readonly unit: '' | 'seconds' | 'bytes' | 'celsius' | 'ratio';
  readonly help: string;
  /** Label names. Values come from the configuration or from a fixed set, never from topics or payloads. */
  readonly labels: readonly string[];
}

const counter = (help: string, ...labels: string[]): MetricDeclaration => ({
  type: 'counter',
  unit: '',
  help,
  labels,
});
const bytesCounter = (help: string, ...labels: string[]): MetricDeclaration => ({
  type: 'counter',
  unit: 'bytes',
  help,
  labels,
});
const gauge = (unit: MetricDeclaration['unit'], help: string, ...labels: string[]): MetricDeclaration => ({
  type: 'gauge',
  unit,
  help,
  labels,
});
const histogram = (unit: 'seconds' | 'bytes' | '', help: string, ...labels: string[]): MetricDeclaration => ({
  type: 'histogram',
  unit,
  help,
  labels,
});

const operate: Record<string, MetricDeclaration> = {
  build_info: gauge('', 'Constant 1; version and Node as labels.', 'version', 'node', 'arch'),
  log_lines: counter('Log records by level, before repeats are held back.', 'level'),
  log_lines_held: counter('Log records held back as repeats.', 'level'),
  log_lines_lost: counter('Log lines given up because nobody read standard error.'),
  metric_series_overflow: counter('Samples that met a full metric and were counted nowhere else.', 'metric'),
  part_state: gauge('', 'Health of a part: 0 ok, 1 starting, 2 degraded, 3 failed.', 'part'),
  ready: gauge('', '1 when every needed part is ready.'),
  part_stalled_seconds: gauge('seconds', 'Time since a working part last got on; 0 when it is idle.', 'part'),
  watchdog_withheld: counter("Times systemd's watchdog was not fed because a part stood still."),
  watchdog_margin_seconds: gauge(
    'seconds',
    "Time left before systemd's watchdog would have fired, at the last feeding.",
  ),
  event_loop_lag_seconds: gauge('seconds', 'Longest delay of the event loop in the last sample.'),
};

const assembly: Record<string, MetricDeclaration> = {
  config_reloads: counter('Configurations read again, by outcome.', 'outcome'),
};

const mesh: Record<string, MetricDeclaration> = {
  raft_events: counter('What a Raft member noted, by kind.', 'event'),
  raft_log_writes: counter('Synced transactions of the Raft log.'),
  raft_log_written_orders: counter('Orders carried out by them.'),
  raft_log_written_entries: counter('Entries written by them.'),
  raft_log_written_bytes: bytesCounter('Bytes of entries written by them.'),
  raft_log_write_seconds: histogram('seconds', 'Time of one synced transaction of the Raft log.'),
  raft_log_truncations: counter(
    'Times the end of the Raft log was cut off at start; promised: it may have been acknowledged.',
    'promised',
  ),
  raft_log_mended_ballots: counter('Times the second copy of term and vote was damaged and written anew.'),
  raft_log_damages: counter('Times the Raft log was found damaged.'),
  raft_log_troubles: counter('Times the disk of the Raft log failed.', 'trouble'),
  raft_log_recoveries: counter('Times the Raft log could be written again.'),
};

const host: Record<string, MetricDeclaration> = {
  clock_trusted: gauge('', '1 while the wall clock is believed, 0 while nobody has set it since boot.'),
  clock_sets: counter('Times the clock was set while the agent waited for it, by what said so.', 'by'),
  clock_steps: counter('Jumps of the wall clock by a second or more, by direction.', 'direction'),
  host_temperature_celsius: gauge('celsius', 'Hottest processor sensor of the host.'),
  host_throttled: gauge('', 'Raspberry Pi throttling flags now set: 1 while the condition holds.', 'reason'),
  host_disk_free_bytes: gauge('bytes', 'Bytes an unprivileged process may still write on the data device.'),
  host_disk_size_bytes: gauge('bytes', 'Size of the data device.'),
  host_memory_available_bytes: gauge('bytes', 'Memory that can be had without swapping.'),
  host_memory_size_bytes: gauge('bytes', 'Memory of the host.'),
  host_load_ratio: gauge('ratio', 'Load average over one minute, by processor.'),
  host_cpu_busy_ratio: gauge('ratio', 'Share of processor time not idle since the last sample.'),
  host_uptime_seconds: gauge('seconds', 'Time since the host started.'),
  process_cpu_seconds: {
    type: 'counter',
    unit: 'seconds',
    help: 'User and system CPU time spent.',
    labels: [],
  },
  process_resident_memory_bytes: gauge('bytes', 'Resident memory size.'),
  process_virtual_memory_bytes: gauge('bytes', 'Virtual memory size.'),
  process_start_time_seconds: gauge('seconds', 'Start time since the Unix epoch.'),
  process_open_fds: gauge('', 'Open file descriptors.'),
  process_max_fds: gauge('', 'Limit of open file descriptors.'),
};

const api: Record<string, MetricDeclaration> = {
  api_requests: counter('Requests answered, by route and class of status.', 'route', 'status'),
  api_request_seconds: histogram('seconds', 'Time to answer a request, by route.', 'route'),
  api_refused: counter('Requests refused before a route saw them.', 'reason'),
  api_taps: gauge('', 'Open live taps.'),
  api_taps_dropped: counter('Live taps closed because the reader was too slow.'),
};

const ingest: Record<string, MetricDeclaration> = {
  ingest_messages: counter('Messages whose readings or accounts are on disk.', 'source'),
  ingest_readings: counter('Readings decoded from them.'),
  ingest_payload_bytes: bytesCounter('Payload bytes of messages that are on disk.'),
  ingest_duplicates: counter('Messages delivered again and recognised; acknowledged, not stored.'),
  ingest_unrouted: counter(
    'Messages whose topic no stream takes; acknowledged, counted in the ledger, sampled to the dead letters.',
  ),
  ingest_undecodable: counter('Messages that could not be decoded, by reason.', 'reason'),
  ingest_device_times_astray: counter(
    'Readings whose device says a time more than 10 minutes ahead of a trusted clock, or a year behind.',
    'stream',
    'direction',
  ),
  ingest_append_seconds: histogram('seconds', 'From handing a group of messages to the buffer to its fsync.'),
  ingest_append_messages: histogram('', 'Messages of one group.'),
  ingest_append_refused: counter('Groups the buffer refused; they are handed over again.', 'trouble'),
  ingest_throttled: counter('Times sources were held back because too many bytes were on the way.'),
  ingest_mqtt_connections: counter('Connections made to the broker.', 'source'),
  ingest_mqtt_connected: gauge('', '1 while the source is connected to its broker.', 'source'),
  ingest_mqtt_closed: counter('Connections lost or refused, by kind.', 'source', 'kind'),
  ingest_mqtt_subscriptions_refused: counter('Topic filters the broker did not grant.', 'source'),
  ingest_http_refused: counter('Requests refused, by status.', 'source', 'status'),
  ingest_replay_skipped: counter('Lines of a replayed file that hold no message.', 'source'),
  ingest_broker_refused: counter('Clients the embedded broker turned away, by reason.', 'source', 'reason'),
  ingest_broker_unforwarded: counter('Messages stored but not passed on to subscribers.', 'source'),
  ingest_broker_shed: counter(
    'Messages kept for subscribers that were away, given up for younger ones.',
    'source',
  ),
  ingest_broker_unsaved: gauge('', '1 while sessions of subscribers would not outlive a crash.', 'source'),
  ingest_mqtt_overshoot: counter('Messages a broker sent beyond the Receive Maximum it was given.', 'source'),
};

const pipeline: Record<string, MetricDeclaration> = {
  pipeline_windows_cut_short: counter(
    'Windows given out before their time, because their stage was changed or taken out.',
    'stream',
    'rule',
  ),
  pipeline_series_evicted: counter('Series whose state was forgotten for want of room.', 'stream', 'rule'),
  pipeline_late_readings: counter('Readings too late for a filter or for every window.', 'stream', 'rule'),
  pipeline_entries_evicted: counter('Readings a dedup forgot before their time.', 'stream', 'rule'),
  pipeline_states_left_out: counter('Stages whose state the buffer has no room for.', 'stream'),
  pipeline_states_lost: counter(
    'Stages taken out or changed whose open windows and held readings were in a form not read any more.',
    'stream',
  ),
  pipeline_alarms: counter('Alarms raised and cleared.', 'stream', 'rule', 'state'),
  alarm_messages: counter(
    'Messages about alarms to the brokers of sources, by outcome.',
    'source',
    'outcome',
  ),
  pipeline_expression_failures: counter('Readings an expression could not judge.', 'stream', 'rule'),
};

const buffer: Record<string, MetricDeclaration> = {
  buffer_commits: counter('Transactions synced to disk.'),
  buffer_committed_readings: counter('Readings made durable.'),
  buffer_committed_bytes: bytesCounter('Bytes of journal rows made durable.'),
  buffer_commit_seconds: histogram('seconds', 'Time of one transaction, fsync included.'),
  buffer_commit_requests: histogram('', 'Append calls of one transaction.'),
  buffer_sealed_blocks: counter('Blocks sealed from the journal.'),
  buffer_sealed_readings: counter('Readings in sealed blocks.'),
  buffer_sealed_bytes: bytesCounter('Bytes of sealed blocks.'),
  buffer_ladder_steps: counter('Steps of the fidelity ladder, by the level reached.', 'level'),
  buffer_ladder_passed_over: counter(
    'Blocks for which the ladder passed over a level, by that level and why.',
    'level',
    'reason',
  ),
  buffer_ladder_left_alone: counter(
    'Blocks that no level of the ladder makes smaller, by the level they stay at.',
    'level',
  ),
  buffer_coarsened_readings: counter('Raw readings that became part of a summary.', 'stream'),
  buffer_coarsened_saved_bytes: bytesCounter('Bytes saved by the fidelity ladder.'),
  buffer_joined_blocks: counter('Small sealed blocks joined to larger ones.'),
  buffer_joined_saved_bytes: bytesCounter('Bytes saved by joining small blocks.'),
  buffer_dropped_readings: counter('Readings dropped before delivery, by rule.', 'stream', 'rule'),
  buffer_oversize_readings: counter('Readings too large to be stored; in the ledger as filtered.', 'stream'),
  buffer_rebased_readings: counter('Readings whose time of arrival was corrected when the clock was set.'),
  buffer_quarantined_readings: counter('Readings in blocks found damaged and set aside.', 'stream'),
  buffer_rollup_skipped_readings: counter('Readings in no summary for want of room.', 'stream'),
  buffer_rollup_damaged: counter('Summaries found damaged and left out.'),
  buffer_queries: counter('Queries answered, by outcome.', 'outcome'),
  buffer_query_seconds: histogram('seconds', 'From a query to its answer.'),
  buffer_full: counter('Appends refused because the buffer or the device is full.'),
  buffer_trouble: counter('Failures of the disk, by kind.', 'trouble'),
  buffer_recovered: counter('Times the buffer was reopened after a failure of the disk.'),
};

const uplink: Record<string, MetricDeclaration> = {
  uplink_up: gauge('', '1 while the uplink reaches its receiver.', 'uplink'),
  uplink_outages: counter('Times the uplink went down.', 'uplink'),
  uplink_readings: counter('Readings settled, by outcome.', 'uplink', 'outcome'),
  uplink_batches: counter('Batches sent, by outcome.', 'uplink', 'outcome'),
  uplink_sent_bytes: bytesCounter('Bytes sent, retries included.', 'uplink'),
  uplink_send_seconds: histogram('seconds', "From sending a batch to the receiver's answer.", 'uplink'),
  uplink_splits: counter('Batches halved because the receiver found them too large.', 'uplink'),
  uplink_store_failures: counter('Failed calls to the buffer.', 'uplink'),
  uplink_settlements_rejected: counter('Settlements the buffer rejected.', 'uplink'),
  uplink_waiting_readings: gauge('', 'Readings the uplink still has to take.', 'uplink'),
  uplink_waiting_bytes: gauge('bytes', 'Stored bytes the uplink still has to take.', 'uplink'),
  uplink_oldest_seconds: gauge(
    'seconds',
    'Age of the oldest reading that waits; 0 when none does.',
    'uplink',
  ),
  uplink_budget_spent_bytes: gauge('bytes', "Bytes charged to the uplink's budget of today.", 'uplink'),
};

export const metricCatalogue: Readonly<Record<string, MetricDeclaration>> = {
  ...operate,
  ...assembly,
  ...mesh,
  ...host,
  ...api,
  ...ingest,
  ...pipeline,
  ...buffer,
  ...uplink,
};
