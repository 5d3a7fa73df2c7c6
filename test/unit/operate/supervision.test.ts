import { describe, expect, it } from 'vitest';
import { Bug } from '#agent/base/assert.ts';
import { type Millis, millis } from '#agent/base/units.ts';
import { Health } from '#agent/operate/health.ts';
import { type HostFigures, HostSampler } from '#agent/operate/host-figures.ts';
import { limits } from '#agent/operate/limits.ts';
import { metricCatalogue } from '#agent/operate/metric-catalogue.ts';
import { MetricsRegistry } from '#agent/operate/metrics-registry.ts';
import { Progress } from '#agent/operate/progress.ts';
import { Supervision } from '#agent/operate/supervision.ts';
import type { Telemetry } from '#agent/ports/telemetry.ts';
import { ManualClock } from './manual-clock.ts';

function remembering(): Telemetry & { readonly events: string[]; readonly metrics: MetricsRegistry } {
  const events: string[] = [];
  const metrics = new MetricsRegistry(metricCatalogue);
  return {
    events,
    metrics,
    log: (level, event, message) => void events.push(`${level} ${event}: ${message}`),
    count: (name, labels, by = 1) => void metrics.count(name, labels, by),
    gauge: (name, value, labels) => void metrics.gauge(name, value, labels),
    observe: (name, value, labels) => void metrics.observe(name, value, labels),
  };
}

describe('Health', () => {
  it('is ready when every needed part is ok or degraded, whatever the others are', () => {
    const telemetry = remembering();
    const health = new Health(new ManualClock(), telemetry);
    health.declare('disk', { needed: true });
    health.declare('uplink.cloud', { needed: false });
    const starting = health.ready;

    health.report('uplink.cloud', 'failed', 'connection refused');
    health.report('disk', 'ok');
    const ready = health.ready;
    health.report('disk', 'degraded', 'slow');
    const degraded = health.ready;
    health.report('disk', 'failed', 'gone');

    expect([starting, ready, degraded, health.ready]).toEqual([false, true, true, false]);
    expect(telemetry.metrics.valueOf('part_state', { part: 'disk' })).toBe(3);
    expect(telemetry.events).toEqual([
      'error operate_part_changed: uplink.cloud is failed: connection refused',
      'notice operate_part_changed: disk is ok',
      'notice operate_ready: every needed part is ready',
      'warning operate_part_changed: disk is degraded: slow',
      'error operate_part_changed: disk is failed: gone',
      'warning operate_not_ready: a needed part is not ready; see /readyz',
    ]);
  });

  it('keeps the time of a state while its reason changes', () => {
    const clock = new ManualClock();
    const telemetry = remembering();
    const health = new Health(clock, telemetry);
    health.declare('disk', { needed: true });
    health.report('disk', 'degraded', 'one');
    const since = clock.wall();
    clock.advance(5_000);

    health.report('disk', 'degraded', 'two');

    expect(health.parts()).toEqual([{ name: 'disk', state: 'degraded', reason: 'two', since, needed: true }]);
    expect(telemetry.events).toHaveLength(2);
  });

  it('does not make a state older when the clock is set', () => {
    const clock = new ManualClock();
    const health = new Health(clock, remembering());
    health.declare('disk', { needed: true });
    health.report('disk', 'degraded', 'slow');
    clock.advance(5_000);
    clock.stepWall(325 * 86_400_000_000);

    expect(clock.wall() - health.parts()[0]!.since).toBe(5_000_000);
  });

  it('follows a reload: parts come, go, and change their need', () => {
    const health = new Health(new ManualClock(), remembering());
    health.declare('b', { needed: true });
    health.declare('a', { needed: true });
    health.report('a', 'ok');
    const waiting = health.ready;

    health.declare('b', { needed: false });
    const optional = health.ready;
    health.withdraw('b');
    health.withdraw('b');

    expect([waiting, optional, health.ready]).toEqual([false, true, true]);
    expect(health.parts().map((part) => part.name)).toEqual(['a']);
  });

  it('is not ready without parts, and knows a report of a stranger for a bug', () => {
    const health = new Health(new ManualClock(), remembering());

    expect(health.ready).toBe(false);
    expect(() => health.report('ghost', 'ok')).toThrow(Bug);
  });
});

function supervised(watchdogMs: Millis | null = millis(30_000)) {
  const clock = new ManualClock();
  const telemetry = remembering();
  const progress = new Progress(clock);
  const sent: string[] = [];
  const manager = {
    watchdogMs,
    notify: (assignments: readonly string[]) => void sent.push(assignments.join(' ')),
    monotonicMicros: () => 77n,
  };
  const supervision = new Supervision({ clock, manager, progress, telemetry });
  return { clock, telemetry, progress, sent, supervision };
}

describe('Supervision', () => {
  it('feeds the watchdog three times in its interval while nobody works or all get on', () => {
    const { clock, progress, sent, supervision } = supervised();
    const mark = progress.mark('disk', millis(5_000));

    supervision.start();
    supervision.start();
    for (let i = 0; i < 20; i++) {
      mark.working();
      clock.advance(1_500);
      mark.advanced();
    }

    expect(sent).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
  });

  it('starves the watchdog while a part works without getting on, and says which', () => {
    const { clock, progress, sent, supervision, telemetry } = supervised();
    const mark = progress.mark('disk', millis(5_000));
    supervision.start();

    mark.working();
    clock.advance(60_000);
    const starved = sent.length;
    mark.advanced();
    mark.idle();
    clock.advance(10_000);

    expect(starved).toBe(1);
    expect(sent).toHaveLength(2);
    expect(telemetry.events[0]).toBe(
      'error operate_watchdog_withheld: disk has work and has not got on for 10 s; the watchdog is not fed',
    );
    expect(telemetry.events.at(-1)).toContain('notice operate_progress_resumed');
    expect(telemetry.metrics.valueOf('watchdog_withheld')).toBe(6);
  });

  it('lets an idle part rest for as long as it likes', () => {
    const { clock, progress, sent, supervision } = supervised();
    const mark = progress.mark('uplink.cloud', millis(5_000));
    mark.working();
    mark.idle();
    supervision.start();

    clock.advance(600_000);

    expect(sent).toHaveLength(61);
  });

  it('counts a part that works again from when it began, not from its last progress', () => {
    const { clock, progress } = supervised();
    const mark = progress.mark('disk', millis(5_000));
    clock.advance(60_000);

    mark.working();
    clock.advance(5_000);
    const within = progress.stalls();
    mark.working();
    clock.advance(1);

    expect(within).toEqual([]);
    expect(progress.stalls()).toEqual([{ part: 'disk', forMs: 5_001 }]);
  });

  it('tells the service manager what happens', () => {
    const { clock, sent, supervision } = supervised(null);

    supervision.start();
    supervision.ready('ready');
    supervision.status('3 readings\nbuffered');
    supervision.status('3 readings\nbuffered');
    supervision.reloading();
    supervision.ready('ready');
    supervision.stopping(millis(2_000));
    supervision.stop();
    supervision.stop();

    expect(sent).toEqual([
      'READY=1 STATUS=ready',
      'STATUS=3 readings\\nbuffered',
      'RELOADING=1 MONOTONIC_USEC=77',
      'READY=1 STATUS=ready',
      'STOPPING=1 EXTEND_TIMEOUT_USEC=2000000',
    ]);
    expect(clock.armed).toBe(0);
  });

  it('measures the lag of the event loop and the age of each part', () => {
    const { clock, progress, supervision, telemetry } = supervised(null);
    progress.mark('disk', millis(5_000)).working();
    supervision.start();

    clock.advance(limits.loopSampleMs);

    expect(telemetry.metrics.valueOf('event_loop_lag_seconds')).toBe(0);
    expect(telemetry.metrics.valueOf('part_stalled_seconds', { part: 'disk' })).toBe(1);
  });
});

const figures: HostFigures = {
  model: null,
  temperatureCelsius: 61,
  throttled: [],
  diskFreeBytes: 5,
  diskSizeBytes: 10,
  memoryAvailableBytes: null,
  memorySizeBytes: 9,
  loadRatio: 0.5,
  cpuBusyRatio: null,
  uptimeSeconds: 3,
  clockSynchronized: true,
  clockOffsetSeconds: null,
  process: {
    cpuSeconds: 1.5,
    residentBytes: 8,
    virtualBytes: null,
    startSeconds: 1,
    openDescriptors: 20,
    descriptorsMax: 1_024,
  },
};

describe('HostSampler', () => {
  it('samples at once and every half minute, survives a failed sample, and tells throttling once', async () => {
    const clock = new ManualClock();
    const telemetry = remembering();
    const samples: (HostFigures | Error)[] = [
      figures,
      new Error('no /proc'),
      { ...figures, throttled: ['under_voltage'] },
      { ...figures, throttled: ['under_voltage'] },
    ];
    const sample = async () => {
      const next = samples.shift() ?? figures;
      if (next instanceof Error) throw next;
      return next;
    };
    const sampler = new HostSampler({ clock, source: { sample }, telemetry, metrics: telemetry.metrics });

    sampler.start();
    sampler.start();
    for (let i = 0; i < 3; i++) {
      await expect.poll(() => clock.armed).toBe(1);
      clock.advance(limits.hostSampleMs);
    }
    await expect.poll(() => clock.armed).toBe(1);
    sampler.stop();
    sampler.stop();

    expect(samples).toHaveLength(0);
    expect(clock.armed).toBe(0);
    expect(sampler.latest?.throttled).toEqual(['under_voltage']);
    expect(telemetry.metrics.valueOf('host_temperature_celsius')).toBe(61);
    expect(telemetry.metrics.valueOf('host_memory_available_bytes')).toBeUndefined();
    expect(telemetry.metrics.valueOf('host_throttled', { reason: 'under_voltage' })).toBe(1);
    expect(telemetry.metrics.valueOf('process_cpu_seconds')).toBe(1.5);
    expect(telemetry.events).toEqual([
      'debug operate_host_sample_failed: no /proc',
      'warning operate_throttling_changed: the board holds its processor back: under_voltage; check power supply and cooling',
    ]);
  });
});
