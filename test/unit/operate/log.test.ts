import { describe, expect, it } from 'vitest';
import { AgentTelemetry } from '#agent/operate/agent-telemetry.ts';
import { limits } from '#agent/operate/limits.ts';
import { Log, type LogOptions } from '#agent/operate/log.ts';
import { metricCatalogue } from '#agent/operate/metric-catalogue.ts';
import { MetricsRegistry } from '#agent/operate/metrics-registry.ts';
import { redact } from '#agent/operate/redact.ts';
import { ManualClock } from './manual-clock.ts';

function logTo(more: Partial<LogOptions> = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line) > 0 };
  const log = new Log({ clock, sink, format: 'pretty', colour: false, level: 'info', ...more });
  return { clock, lines, log };
}

describe('Log', () => {
  it('marks journal lines with their priority', () => {
    const { log, lines } = logTo({ format: 'journald', level: 'debug' });

    for (const level of ['error', 'warning', 'notice', 'info', 'debug'] as const) {
      log.write(level, 'uplink.down', 'cloud is down', { uplink: 'cloud', attempts: 3 });
    }

    expect(lines[0]).toBe('<3>uplink.down: cloud is down uplink=cloud attempts=3');
    expect(lines.map((line) => line.slice(0, 3))).toEqual(['<3>', '<4>', '<5>', '<6>', '<7>']);
  });

  it('writes plain lines with the time in UTC', () => {
    const { log, lines } = logTo();

    log.write('warning', 'uplink.down', 'cloud is down', { reason: 'connection refused', at: '' });

    expect(lines).toEqual([
      '2026-11-21T08:00:00.000Z warning uplink.down: cloud is down reason="connection refused" at=""',
    ]);
  });

  it('gives a terminal colours', () => {
    const { log, lines } = logTo({ colour: true });

    log.write('error', 'disk.failed', 'no', { a: 1 });

    expect(lines).toEqual([
      '\u001b[2m08:00:00.000\u001b[0m \u001b[31;1merror  \u001b[0m disk.failed: no\u001b[2m a=1\u001b[0m',
    ]);
  });

  it('writes JSON whose own keys no field covers', () => {
    const { log, lines } = logTo({ format: 'json' });

    log.write('info', 'a.b', 'said "x"\n', { level: 'fake', count: 2, ratio: Number.NaN });

    expect(JSON.parse(lines[0]!)).toEqual({
      time: '2026-11-21T08:00:00.000Z',
      level: 'info',
      event: 'a.b',
      message: 'said "x"\\n',
      field_level: 'fake',
      count: 2,
      ratio: 'NaN',
    });
  });

  it('writes logfmt', () => {
    const { log, lines } = logTo({ format: 'logfmt' });

    log.write('info', 'a.b', 'two words', { k: 'v' });

    expect(lines).toEqual(['time=2026-11-21T08:00:00.000Z level=info event=a.b message="two words" k=v']);
  });

  it('prints nothing below its level, and follows a change of it', () => {
    const { log, lines } = logTo({ level: 'warning' });

    const below = log.write('info', 'a.b', 'x');
    log.setLevel('info');
    const printed = log.write('info', 'a.b', 'x');

    expect([below, printed]).toEqual(['below', 'printed']);
    expect(lines).toHaveLength(1);
  });

  it('prints a repeated event once and sums the rest up when the window ends', () => {
    const { clock, log, lines } = logTo();

    const outcomes = Array.from({ length: 4 }, () =>
      log.write('info', 'mqtt.lost', 'lost', { source: 'line' }),
    );
    log.write('info', 'mqtt.lost', 'lost', { source: 'hall' });
    clock.advance(limits.repeatWindowMs - 1);
    const before = lines.length;
    clock.advance(1);

    expect(outcomes).toEqual(['printed', 'held', 'held', 'held']);
    expect(before).toBe(2);
    expect(lines.slice(2)).toEqual([
      '2026-11-21T08:00:10.000Z info    mqtt.lost: lost (repeated 3 times within 10 s) source=line',
    ]);
    expect(clock.armed).toBe(0);
  });

  it('prints again after a window, and prints what is held when it is flushed', () => {
    const { clock, log, lines } = logTo();

    log.write('info', 'a.b', 'x');
    clock.advance(limits.repeatWindowMs);
    log.write('info', 'a.b', 'x');
    log.write('info', 'a.b', 'x');
    log.flush();
    log.flush();

    expect(lines.map((line) => line.slice(33))).toEqual([
      'a.b: x',
      'a.b: x',
      'a.b: x (repeated once within 10 s)',
    ]);
    expect(clock.armed).toBe(0);
  });

  it('tells events without fields apart by their words', () => {
    const { log, lines } = logTo();

    log.write('info', 'a.b', 'one');
    log.write('info', 'a.b', 'two');

    expect(lines).toHaveLength(2);
  });

  it('watches a bounded number of events and drops no summary when it is reached', () => {
    const { log, lines } = logTo();
    log.write('info', 'first', 'x');
    log.write('info', 'first', 'x');

    for (let i = 0; i < limits.repeatKeys; i++) log.write('info', 'other', 'x', { i });
    log.write('info', 'other', 'y', { i: -1 });

    expect(lines.filter((line) => line.includes('first: x'))).toHaveLength(2);
  });

  it('holds a flood of one event back whatever its fields are', () => {
    const { clock, log, lines } = logTo();

    for (let i = 0; i < 5_000; i++) log.write('info', 'packet.bad', 'bad', { packet: i });
    const first = lines.length;
    clock.advance(limits.repeatWindowMs);

    expect(first).toBe(limits.eventBurst);
    expect(lines).toHaveLength(limits.eventBurst + 1);
    expect(lines.at(-1)).toContain(`${5_000 - limits.eventBurst} more`);
  });

  it('cuts what is too long', () => {
    const { log, lines } = logTo();

    log.write(
      'info',
      'a.b',
      'm'.repeat(100_000),
      Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`f${i}`, i])),
    );

    expect(lines[0]!.length).toBeLessThan(limits.logValueChars + 1_000);
    expect(lines[0]).not.toContain(`f${limits.logFields}=`);
  });
});

describe('redact', () => {
  it.each([
    ['mqtts://user:pass@broker:1883/x', 'mqtts://***@broker:1883/x'],
    ['to http://u:p@ss@h/ and ws://k@h2', 'to http://***@h/ and ws://***@h2'],
    ['https://h/path?mail=a@b', 'https://h/path?mail=a@b'],
    ['authorization: Bearer abc.def', 'authorization: Bearer ***'],
    ['the bearer of news', 'the bearer *** news'],
    ['a\nb\u001b[31m\u2028', 'a\\nb\\u001b[31m\\u2028'],
    ['plain ünïcode', 'plain ünïcode'],
  ])('makes %j into %j', (text, clean) => {
    expect(redact(text)).toBe(clean);
  });
});

describe('AgentTelemetry', () => {
  it('counts log records by level, held and lost ones too', () => {
    const clock = new ManualClock();
    const metrics = new MetricsRegistry(metricCatalogue);
    let open = true;
    const sink = { write: () => open };
    const log = new Log({ clock, sink, format: 'pretty', colour: false, level: 'info' });
    const telemetry = new AgentTelemetry(log, metrics);

    telemetry.log('info', 'a.b', 'x');
    telemetry.log('info', 'a.b', 'x');
    open = false;
    telemetry.log('error', 'a.c', 'x');

    expect(metrics.valueOf('log_lines', { level: 'info' })).toBe(2);
    expect(metrics.valueOf('log_lines_held', { level: 'info' })).toBe(1);
    expect(metrics.valueOf('log_lines_lost')).toBe(1);
  });

  it('complains once, in debug, of a name the catalogue lacks, and counts it all the same', () => {
    const { clock, lines, log } = logTo({ level: 'debug' });
    const metrics = new MetricsRegistry({});
    const telemetry = new AgentTelemetry(log, metrics);

    for (let i = 0; i < 3; i++) telemetry.count('nobody_knows', { a: 'b' });
    clock.advance(limits.repeatWindowMs);

    expect(metrics.valueOf('nobody_knows', { a: 'b' })).toBe(3);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('nobody_knows');
  });
});
