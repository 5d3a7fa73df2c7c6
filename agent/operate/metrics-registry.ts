import type { Labels } from '../ports/telemetry.ts';
import { limits } from './limits.ts';
import type { MetricDeclaration } from './metric-catalogue.ts';

/** One combination of label values and what was counted under it. */
export interface Series {
  /** In the order of the declaration's labels. */
  readonly labelValues: readonly string[];
  /** Counter's sum, gauge's last value, or histogram's sum of observations. */
  value: number;
  /** Histograms only: observations per bucket, the last one beyond every bound. */
  readonly buckets: Float64Array | null;
}

export interface Metric {
  readonly name: string;
  readonly declaration: MetricDeclaration;
  /** False when the catalogue does not know the name. */
  readonly declared: boolean;
  readonly series: Map<string, Series>;
  /** Samples that met the series bound. */
  overflow: number;
}

/**
 * Counters, gauges and histograms in memory. Nothing here throws: a name the catalogue lacks becomes a metric of its own,
 * flagged; a sample beyond the bound of series is counted as overflow of its metric.
 */
export class MetricsRegistry {
  readonly #catalogue: Readonly<Record<string, MetricDeclaration>>;
  readonly #metrics = new Map<string, Metric>();
  #unknown = 0;

  constructor(catalogue: Readonly<Record<string, MetricDeclaration>>) {
    this.#catalogue = catalogue;
  }

  /** @returns false when the name is not in the catalogue. `by` >= 0. */
  count(name: string, labels: Labels | undefined, by: number): boolean {
    const metric = this.#metric(name, 'counter', labels);
    if (metric === null) return false;
    const series = this.#series(metric, labels);
    // A counter that fell would read as a restart of the process.
    if (series !== null && by > 0) series.value += by;
    return metric.declared;
  }

  gauge(name: string, value: number, labels: Labels | undefined): boolean {
    const metric = this.#metric(name, 'gauge', labels);
    if (metric === null) return false;
    const series = this.#series(metric, labels);
    if (series !== null) series.value = value;
    return metric.declared;
  }

  /** Sets a counter that somebody else counts (CPU time, for one). */
  total(name: string, value: number, labels?: Labels): void {
    const metric = this.#metric(name, 'counter', labels);
    const series = metric === null ? null : this.#series(metric, labels);
    if (series !== null) series.value = value;
  }

  observe(name: string, value: number, labels: Labels | undefined): boolean {
    const metric = this.#metric(name, 'histogram', labels);
    if (metric === null) return false;
    const series = this.#series(metric, labels);
    if (series !== null && series.buckets !== null && Number.isFinite(value)) {
      series.value += value;
      const bounds = bucketBounds(metric.declaration);
      let i = 0;
      while (i < bounds.length && value > bounds[i]!) i++;
      series.buckets[i]! += 1;
    }
    return metric.declared;
  }

  /** Forgets one series, for example of an uplink that a reload took away. */
  forget(name: string, labels: Labels): void {
    const metric = this.#metrics.get(name);
    metric?.series.delete(keyOf(metric.declaration, labels));
  }

  /** The value of a counter or gauge, the number of observations of a histogram; undefined when never touched. */
  valueOf(name: string, labels?: Labels): number | undefined {
    const metric = this.#metrics.get(name);
    const series = metric?.series.get(keyOf(metric.declaration, labels));
    if (series === undefined) return undefined;
    return series.buckets === null ? series.value : series.buckets.reduce((sum, n) => sum + n, 0);
  }

  /** Sum of a counter over its series. */
  sumOf(name: string): number {
    let sum = 0;
    for (const series of this.#metrics.get(name)?.series.values() ?? []) sum += series.value;
    return sum;
  }

  /** Brings `metric_series_overflow` up to date; called before metrics are written. */
  countOverflow(): void {
    for (const { name, overflow } of this.#metrics.values()) {
      if (overflow > 0) this.total('metric_series_overflow', overflow, { metric: name });
    }
  }

  /** Metrics touched so far, by name. */
  metrics(): readonly Metric[] {
    return [...this.#metrics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #metric(name: string, type: MetricDeclaration['type'], labels: Labels | undefined): Metric | null {
    const known = this.#metrics.get(name);
    if (known !== undefined) return known;
    const found = Object.hasOwn(this.#catalogue, name) ? this.#catalogue[name] : undefined;
    const declared = found?.type === type;
    if (!declared && (this.#unknown >= limits.unknownMetrics || !metricName.test(name))) return null;
    if (!declared) this.#unknown++;
    const declaration: MetricDeclaration = declared
      ? found
      : {
          type,
          unit: '',
          help: 'Not in the catalogue.',
          labels: Object.keys(labels ?? {}).filter((label) => labelName.test(label)),
        };
    const metric: Metric = { name, declaration, declared, series: new Map(), overflow: 0 };
    this.#metrics.set(name, metric);
    return metric;
  }

  #series(metric: Metric, labels: Labels | undefined): Series | null {
    const { declaration } = metric;
    const key = keyOf(declaration, labels);
    const known = metric.series.get(key);
    if (known !== undefined) return known;
    if (metric.series.size >= limits.seriesPerMetric) {
      metric.overflow++;
      return null;
    }
    const series: Series = {
      labelValues: declaration.labels.map((label) =>
        (labels?.[label] ?? '').slice(0, limits.labelValueChars),
      ),
      value: 0,
      buckets:
        declaration.type === 'histogram' ? new Float64Array(bucketBounds(declaration).length + 1) : null,
    };
    metric.series.set(key, series);
    return series;
  }
}

const metricName = /^[a-z][a-z0-9_]{0,99}$/;
const labelName = /^[a-z][a-z0-9_]{0,49}$/;

function keyOf(declaration: MetricDeclaration, labels: Labels | undefined): string {
  const names = declaration.labels;
  if (labels === undefined || names.length === 0) return '';
  if (names.length === 1) return (labels[names[0]!] ?? '').slice(0, limits.labelValueChars);
  let key = '';
  for (const name of names) key += `${(labels[name] ?? '').slice(0, limits.labelValueChars)}\u0000`;
  return key;
}

const exponential = (first: number, factor: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => first * factor ** i);

/** Upper bounds of buckets, the same for every metric of a unit, so that histograms of a fleet add up. */
const bounds = {
  /** 0.25 ms to 32.8 s. */
  seconds: exponential(0.000_25, 2, 18),
  /** 64 bytes to 1 GiB. */
  bytes: exponential(64, 4, 13),
  /** 1 to a million. */
  count: exponential(1, 4, 11),
} as const;

export function bucketBounds(declaration: MetricDeclaration): readonly number[] {
  if (declaration.unit === 'seconds') return bounds.seconds;
  return declaration.unit === 'bytes' ? bounds.bytes : bounds.count;
}
