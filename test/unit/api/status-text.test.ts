import { describe, expect, it } from 'vitest';
import type { StatusJson } from '#agent/api/contract.ts';
import { statusLine, statusText } from '#agent/api/status-text.ts';

const MiB = 1_024 ** 2;

/** A gateway on a good day. */
const calm: StatusJson = {
  agent: { id: 'gw-7', site: 'plant-3' },
  version: '0.1.0',
  time: '2026-11-21T08:12:00.000Z',
  uptime_seconds: 3 * 3_600 + 300,
  clock: { synchronized: true, offset_seconds: 0.000_1, trusted: true },
  ready: true,
  parts: [
    { name: 'source.line', state: 'ok', reason: '', since: '2026-11-21T05:00:00.000Z', needed: true },
    { name: 'disk', state: 'ok', reason: '', since: '2026-11-21T05:00:00.000Z', needed: true },
  ],
  sources: [
    {
      name: 'line',
      type: 'mqtt',
      state: 'ok',
      words: 'connected to broker:1883 for 3 h',
      messages: 4_200_000,
      in_flight: 12,
      duplicates: 0,
      undecodable: 0,
      rate_per_second: 1_204,
    },
  ],
  streams: [
    {
      name: 'vibration',
      priority: 5,
      received: 4_200_000,
      delivered: 4_118_796,
      buffered: 81_204,
      filtered: 0,
      coarsened: 0,
      rungs: [{ fidelity: 'raw', readings: 81_204, summaries: 0, bytes: 300 * MiB }],
      passed_over: [],
      dropped: 0,
      head: 4_200_000,
      bytes: 300 * MiB,
      rate_per_second: 1_204,
      oldest: '2026-11-21T08:00:00.000Z',
      clock: {
        source: 'device',
        trusted: true,
        waiting_readings: 0,
        corrected_readings: 0,
        uncorrectable_readings: 0,
        words: 'times from the device',
      },
    },
  ],
  uplinks: [
    {
      name: 'cloud',
      type: 'http',
      state: 'up',
      words: 'up for 3 h, 1,204 readings/s, 812 readings wait',
      waiting_readings: 812,
      waiting_bytes: 9_000,
      delivered: 4_118_796,
      refused: 0,
      rate_per_second: 1_204,
      oldest: null,
      last_success: '2026-11-21T08:11:59.000Z',
      budget_used_bytes: null,
      budget_bytes: null,
      streams: [],
    },
  ],
  buffer: {
    epoch: '5eed5eed5eed5eed',
    bytes: 312 * MiB,
    size_bytes: 512 * MiB,
    percent: 61,
    readings: 81_204,
    when_full: 'block',
    full_in_seconds: 777_600,
    disk_free_bytes: 9_000 * MiB,
    commit_p50_seconds: 0.002,
    commit_p99_seconds: 0.004_2,
    words: '312 MiB of 512 MiB (61 %), full in about 9 days at this rate',
  },
  unrouted: null,
  ledger: { balanced: true },
  host: {
    model: 'Raspberry Pi 4 Model B Rev 1.4',
    temperature_celsius: 61.3,
    throttled: [],
    disk_free_bytes: 9_000 * MiB,
    disk_size_bytes: 29_000 * MiB,
    memory_available_bytes: 600 * MiB,
    memory_size_bytes: 926 * MiB,
    load_ratio: 0.2,
    cpu_busy_ratio: 0.18,
    uptime_seconds: 900_000,
    process_memory_bytes: 84 * MiB,
  },
};

const troubled: StatusJson = {
  ...calm,
  ready: false,
  clock: { synchronized: false, offset_seconds: null, trusted: false },
  parts: [
    ...calm.parts,
    {
      name: 'uplink.cloud',
      state: 'degraded',
      reason: 'connection refused',
      since: '2026-11-21T08:00:00.000Z',
      needed: false,
    },
    {
      name: 'source.hall',
      state: 'failed',
      reason: 'not authorized',
      since: '2026-11-21T08:11:20.000Z',
      needed: true,
    },
  ],
  streams: [{ ...calm.streams[0]!, filtered: 1_000, dropped: 7 }],
  uplinks: [
    {
      ...calm.uplinks[0]!,
      state: 'down',
      words: 'down for 12 min, retry in 40 s, 81,204 readings wait, full in about 9 days at this rate',
    },
  ],
  ledger: { balanced: false },
  host: { ...calm.host, throttled: ['under_voltage'] },
};

describe('statusText', () => {
  it('says what the ladder passed over, and why', () => {
    const [stream] = calm.streams;
    const passed_over = [
      { rung: 'lines', reason: 'short_lines', field: 'state', blocks: 12 },
      { rung: 'windows of 1 min', reason: 'saves_little', field: null, blocks: 3 },
      { rung: 'windows of 10 min', reason: 'saves_little', field: null, blocks: 1 },
    ];

    expect(statusText({ ...calm, streams: [{ ...stream!, passed_over }] })).toContain(
      'passed over: lines for 12 blocks (too short, most ended by state), windows of 1 min for 3 blocks (would save less than three tenths), 1 more',
    );
    expect(statusText(calm)).not.toContain('passed over');
  });

  it('names the clock of each stream while one of them is not to be trusted', () => {
    const [stream] = calm.streams;
    const clock = {
      ...stream!.clock,
      trusted: false,
      waiting_readings: 12,
      words: 'arrival, clock not synchronized since boot',
    };
    const odd = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ ...stream!, name, clock }));
    const text = statusText({ ...calm, streams: [...odd, stream!] });

    expect(text).toContain(`
times
  a, b, c, d, 1 more  arrival, clock not synchronized since boot
  vibration           times from the device
`);
  });

  it('tells a good day in short', () => {
    expect(`\n${statusText(calm)}`).toBe(`
gw-7 of plant-3: ready, sedge 0.1.0, up 3 h 5 min

sources
  line  mqtt  connected to broker:1883 for 3 h, 1,204/s, 12 not acknowledged yet

uplinks
  cloud  http  up for 3 h, 1,204 readings/s, 812 readings wait

streams
              received  delivered  buffered     rate
  vibration  4,200,000  4,118,796    81,204  1,204/s

buffer  312 MiB of 512 MiB (61 %), full in about 9 days at this rate, commits p99 4.2 ms
epoch   5eed5eed5eed5eed: offsets count within it
ledger  balanced: every reading is accounted for
host    Raspberry Pi 4 Model B Rev 1.4, 61 °C, processors 18 % busy, 600 MiB of 926 MiB memory available, 8.8 GiB disk free, agent 84 MiB`);
  });

  it('puts what needs somebody first, the worst on top', () => {
    expect(`\n${statusText(troubled)}`).toBe(`
gw-7 of plant-3: NOT READY, sedge 0.1.0, up 3 h 5 min
the clock was not synchronized since boot: times of arrival are corrected once it is

attention
  ledger        does not balance; run sedge buffer fsck
  source.hall   failed for 40 s: not authorized
  uplink.cloud  degraded for 12 min: connection refused

sources
  line  mqtt  connected to broker:1883 for 3 h, 1,204/s, 12 not acknowledged yet

uplinks
  cloud  http  down for 12 min, retry in 40 s, 81,204 readings wait, full in about 9 days at this rate

streams
              received  delivered  buffered  filtered  dropped     rate
  vibration  4,200,000  4,118,796    81,204     1,000        7  1,204/s

buffer  312 MiB of 512 MiB (61 %), full in about 9 days at this rate, commits p99 4.2 ms
epoch   5eed5eed5eed5eed: offsets count within it
ledger  DOES NOT BALANCE
host    Raspberry Pi 4 Model B Rev 1.4, 61 °C, under voltage, processors 18 % busy, 600 MiB of 926 MiB memory available, 8.8 GiB disk free, agent 84 MiB`);
  });

  it('says by which rule readings were left out, most first and bounded', () => {
    const stream = {
      ...calm.streams[0]!,
      filtered: 1_003,
      dropped: 9,
      filtered_by: [
        { rule: 'undecodable', count: 3 },
        { rule: '0:keep', count: 1_000 },
      ],
      dropped_by: [
        { rule: 'drop_oldest', count: 7 },
        { rule: 'refused:cloud', count: 2 },
      ],
    };
    const many = {
      ...stream,
      name: 'many',
      filtered_by: Array.from({ length: 9 }, (_, index) => ({ rule: `${index}:throttle`, count: 1 })),
      dropped_by: [],
    };
    const text = statusText({ ...calm, streams: [many, stream, calm.streams[0]!] });

    expect(text).toContain(`
left out
  many       1 by stage 0:throttle, 1 by stage 1:throttle, 1 by stage 2:throttle, 1 by stage 3:throttle, 1 by stage 4:throttle, 1 by stage 5:throttle, 3 by 3 other rules
  vibration  1,000 by stage 0:keep, 7 dropped to make room, 3 undecodable, 2 refused by uplink cloud

`);
    const crowd = Array.from({ length: 20 }, (_, index) => ({ ...stream, name: `s${index}` }));
    expect(statusText({ ...calm, streams: crowd })).toContain('\n  4 more  all rules: sedge status --json\n');
  });

  it('leaves out what an empty agent does not have', () => {
    const empty: StatusJson = {
      ...calm,
      agent: { id: 'gw-7', site: null },
      sources: [],
      streams: [],
      uplinks: [],
      host: {
        model: null,
        temperature_celsius: null,
        throttled: [],
        disk_free_bytes: null,
        disk_size_bytes: null,
        memory_available_bytes: null,
        memory_size_bytes: null,
        load_ratio: null,
        cpu_busy_ratio: null,
        uptime_seconds: null,
        process_memory_bytes: null,
      },
      buffer: { ...calm.buffer, words: '0 bytes of 512 MiB (0 %)', commit_p99_seconds: null },
    };

    expect(statusText(empty)).toBe(
      'gw-7: ready, sedge 0.1.0, up 3 h 5 min\n\nbuffer  0 bytes of 512 MiB (0 %)\nepoch   5eed5eed5eed5eed: offsets count within it\nledger  balanced: every reading is accounted for',
    );
  });

  it('fits into one line for the service manager', () => {
    expect(statusLine(calm)).toBe('ready, 1,204/s in, 81,204 readings buffered');
    expect(statusLine(troubled)).toBe(
      'not ready, 1,204/s in, 81,204 readings buffered, uplink cloud: down for 12 min, retry in 40 s, 81,204 readings wait, full in about 9 days at this rate',
    );
  });

  it('names messages that no stream takes, with a topic and the next step', () => {
    const unrouted = { messages: 3_120, topic: 'plant/x/y', source: 'line' };

    expect(statusText({ ...calm, unrouted })).toContain(
      'attention\n  topics  3,120 messages match no stream, e.g. plant/x/y of source line; add a stream with match: plant/x/y (samples: sedge buffer tail _dead_letter)',
    );
    expect(statusText({ ...calm, unrouted: { ...unrouted, messages: 1, topic: 'x'.repeat(300) } })).toContain(
      `1 message matches no stream, e.g. ${'x'.repeat(100)}…`,
    );
  });

  it('lets no topic and no word of a broker move the cursor', () => {
    const evil = 'a\u001b[2J\u202eb\u0007';
    const text = statusText({
      ...calm,
      unrouted: { messages: 1, topic: evil, source: 'line' },
      sources: calm.sources.map((source) => ({ ...source, words: `refused: ${evil}` })),
    });

    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(text).toContain('refused: a·[2J·b·');
  });
});
