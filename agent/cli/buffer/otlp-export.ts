import type { FieldWindowJson, WindowJson, WindowsJson } from '../../query/windows-json.ts';

/**
 * Rolled-up windows as OTLP metrics in the JSON encoding of protobuf (an `ExportMetricsServiceRequest`), one metric a field, one delta point of an
 * exponential histogram a series and window: what a collector's `otlpjsonfile` receiver reads, a line each.
 */
export function otlpLine(page: WindowsJson, agent: string): string {
  const points = new Map<string, object[]>();
  for (const window of page.windows) {
    for (const [field, values] of Object.entries(window.fields)) {
      if (values.count === 0) continue;
      const list = points.get(field) ?? [];
      points.set(field, list);
      list.push(pointOf(window, values));
    }
  }
  const metrics = [...points].map(([field, dataPoints]) => ({
    name: `${page.stream}.${field}`,
    exponentialHistogram: { aggregationTemporality: deltaTemporality, dataPoints },
  }));
  const resource = {
    attributes: [attribute('service.name', 'sedge'), attribute('service.instance.id', agent)],
  };
  const scopeMetrics = [{ scope: { name: 'sedge.rollups' }, metrics }];
  return `${JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics }] })}\n`;
}

const deltaTemporality = 1;

function pointOf(window: WindowJson, field: FieldWindowJson): object {
  const start = BigInt(window.start_micros) * 1_000n;
  return {
    attributes: Object.entries(window.tags).map(([key, value]) => attribute(key, value)),
    startTimeUnixNano: String(start),
    timeUnixNano: String(start + BigInt(window.length_micros) * 1_000n),
    count: String(field.count),
    sum: field.sum,
    scale: field.scale,
    zeroCount: String(field.zeros),
    positive: { offset: field.positive.offset, bucketCounts: field.positive.counts.map(String) },
    negative: { offset: field.negative.offset, bucketCounts: field.negative.counts.map(String) },
    min: field.min,
    max: field.max,
  };
}

function attribute(key: string, text: string): object {
  return { key, value: { stringValue: text } };
}
