import { describe, expect, it } from 'vitest';
import { negotiateExposition, renderMetrics } from '#agent/operate/exposition.ts';
import { limits } from '#agent/operate/limits.ts';
import { type MetricDeclaration, metricCatalogue } from '#agent/operate/metric-catalogue.ts';
import { MetricsRegistry } from '#agent/operate/metrics-registry.ts';

const catalogue: Record<string, MetricDeclaration> = {
  messages: { type: 'counter', unit: '', help: 'Messages \\ taken.\nAll.', labels: ['source'] },
  queue_bytes: { type: 'gauge', unit: 'bytes', help: 'Queue.', labels: [] },
  commit_seconds: { type: 'histogram', unit: 'seconds', help: 'Commits.', labels: [] },
  batch_readings: { type: 'histogram', unit: '', help: 'Batches.', labels: ['stream'] },
  process_cpu_seconds: { type: 'counter', unit: 'seconds', help: 'CPU.', labels: [] },
};

function filled(): MetricsRegistry {
  const registry = new MetricsRegistry(catalogue);
  registry.count('messages', { source: 'li"ne\\\n' }, 2);
  registry.count('messages', { source: 'li"ne\\\n' }, 3);
  registry.gauge('queue_bytes', 1.5, undefined);
  registry.observe('commit_seconds', 0.000_25, undefined);
  registry.observe('commit_seconds', 0.01, undefined);
  registry.observe('commit_seconds', 100, undefined);
  registry.total('process_cpu_seconds', 12.25);
  return registry;
}

describe('MetricsRegistry', () => {
  it('writes Prometheus text 0.0.4', () => {
    const text = renderMetrics(filled().metrics(), 'prometheus');

    expect(text).toContain(
      '# HELP sedge_messages_total Messages \\\\ taken.\\nAll.\n# TYPE sedge_messages_total counter\nsedge_messages_total{source="li\\"ne\\\\\\n"} 5\n',
    );
    expect(text).toContain('# TYPE sedge_queue_bytes gauge\nsedge_queue_bytes 1.5\n');
    expect(text).toContain('# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 12.25\n');
    expect(text).not.toContain('# EOF');
    expect(text).not.toContain('# UNIT');
  });

  it('writes OpenMetrics 1.0: families without _total, units, an end', () => {
    const text = renderMetrics(filled().metrics(), 'openmetrics');

    expect(text).toContain('# TYPE sedge_messages counter\nsedge_messages_total{');
    expect(text).toContain(
      '# TYPE sedge_queue_bytes gauge\n# UNIT sedge_queue_bytes bytes\nsedge_queue_bytes 1.5\n',
    );
    expect(text).toContain('# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 12.25\n');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
  });

  it('counts an observation into every bucket at or above it', () => {
    const lines = renderMetrics(filled().metrics(), 'prometheus').split('\n');

    expect(lines).toContain('sedge_commit_seconds_bucket{le="0.00025"} 1');
    expect(lines).toContain('sedge_commit_seconds_bucket{le="0.008"} 1');
    expect(lines).toContain('sedge_commit_seconds_bucket{le="0.016"} 2');
    expect(lines).toContain('sedge_commit_seconds_bucket{le="32.768"} 2');
    expect(lines).toContain('sedge_commit_seconds_bucket{le="+Inf"} 3');
    expect(lines).toContain('sedge_commit_seconds_count 3');
    expect(lines).toContain('sedge_commit_seconds_sum 100.01025');
  });

  it('writes bucket bounds as floats in OpenMetrics', () => {
    const registry = new MetricsRegistry(catalogue);
    registry.observe('batch_readings', 3, { stream: 'v' });

    expect(renderMetrics(registry.metrics(), 'openmetrics')).toContain(
      'sedge_batch_readings_bucket{stream="v",le="4.0"} 1\n',
    );
  });

  it('keeps the series of a metric bounded and counts what went over', () => {
    const registry = new MetricsRegistry(catalogue);

    for (let i = 0; i < limits.seriesPerMetric + 5; i++) registry.count('messages', { source: `s${i}` }, 1);
    registry.count('messages', { source: 's0' }, 1);

    const metric = registry.metrics()[0]!;
    expect(metric.series.size).toBe(limits.seriesPerMetric);
    expect(metric.overflow).toBe(5);
    expect(registry.valueOf('messages', { source: 's0' })).toBe(2);
  });

  it('still counts under a name the catalogue lacks, and says so', () => {
    const registry = new MetricsRegistry(catalogue);

    expect(registry.count('plugin_things', { kind: 'a' }, 1)).toBe(false);
    expect(registry.count('messages', { source: 'a' }, 1)).toBe(true);
    expect(registry.gauge('messages', 1, { source: 'a' })).toBe(true);
    expect(registry.gauge('Bad-Name', 1, undefined)).toBe(false);
    expect(registry.valueOf('plugin_things', { kind: 'a' })).toBe(1);
    expect(renderMetrics(registry.metrics(), 'prometheus')).not.toContain('Bad-Name');
  });

  it('bounds the names it does not know', () => {
    const registry = new MetricsRegistry({});

    for (let i = 0; i < limits.unknownMetrics + 50; i++) registry.count(`m${i}`, undefined, 1);

    expect(registry.metrics()).toHaveLength(limits.unknownMetrics);
  });

  it('never lets a counter fall', () => {
    const registry = new MetricsRegistry(catalogue);

    registry.count('messages', { source: 'a' }, 5);
    registry.count('messages', { source: 'a' }, -3);
    registry.count('messages', { source: 'a' }, Number.NaN);

    expect(registry.valueOf('messages', { source: 'a' })).toBe(5);
  });

  it('forgets a series whose owner is gone', () => {
    const registry = new MetricsRegistry(catalogue);
    registry.count('messages', { source: 'a' }, 5);

    registry.forget('messages', { source: 'a' });

    expect(registry.valueOf('messages', { source: 'a' })).toBeUndefined();
  });
});

describe('negotiateExposition', () => {
  it.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain; version=0.0.4', 'prometheus'],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
    [
      'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1',
      'openmetrics',
    ],
    ['application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.9', 'prometheus'],
    ['application/openmetrics-text;version=2.0.0', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=nonsense', 'prometheus'],
  ])('answers Accept %s with %s', (accept, format) => {
    expect(negotiateExposition(accept)).toBe(format);
  });
});

describe('metricCatalogue', () => {
  it.each(Object.entries(metricCatalogue))('declares %s by the rules of Prometheus', (name, declaration) => {
    const { type, unit, help, labels } = declaration;

    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name).not.toMatch(/_(total|bucket|sum|count)$/);
    expect(help).toMatch(/^[A-Z0-9].*\.$/);
    expect(new Set(labels).size).toBe(labels.length);
    expect(labels).not.toContain('le');
    if (unit !== '') expect(name.endsWith(`_${unit}`)).toBe(true);
    else expect(name).not.toMatch(/_(seconds|bytes|celsius|ratio|ms|millis)$/);
    expect(['counter', 'gauge', 'histogram']).toContain(type);
  });
});
