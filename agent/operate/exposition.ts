import { bucketBounds, type Metric, type Series } from './metrics-registry.ts';

/** Prometheus text 0.0.4, or OpenMetrics 1.0. */
export type ExpositionFormat = 'prometheus' | 'openmetrics';

export const expositionTypes = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const satisfies Record<ExpositionFormat, string>;

/** What a scraper asked for: OpenMetrics when its quality is at least that of plain text. RFC 9110 §12.5.1. */
export function negotiateExposition(accept: string | undefined): ExpositionFormat {
  let openmetrics = 0;
  let text = 0;
  for (const part of (accept ?? '').slice(0, 1_024).split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    if (!(quality >= 0 && quality <= 1)) continue;
    if (type === 'application/openmetrics-text') {
      const version = parameters.find((parameter) => parameter.startsWith('version='))?.slice(8);
      if (version === undefined || version === '1.0.0') openmetrics = Math.max(openmetrics, quality);
    } else if (type === 'text/plain' || type === 'text/*' || type === '*/*') text = Math.max(text, quality);
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'prometheus';
}

/** Metrics as text, in the order given. Families without a series are left out. */
export function renderMetrics(metrics: readonly Metric[], format: ExpositionFormat): string {
  let text = '';
  for (const metric of metrics) if (metric.series.size > 0) text += renderFamily(metric, format);
  return format === 'openmetrics' ? `${text}# EOF\n` : text;
}

/** The name as scrapers see it, without `_total`. */
export function familyName(name: string): string {
  return name.startsWith('process_') ? name : `sedge_${name}`;
}

function renderFamily(metric: Metric, format: ExpositionFormat): string {
  const { declaration } = metric;
  const family = familyName(metric.name);
  const sample = declaration.type === 'counter' ? `${family}_total` : family;
  // In 0.0.4 the family of a counter carries the suffix; in OpenMetrics only its samples do.
  const head = format === 'openmetrics' ? family : sample;
  const help = declaration.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  let text = `# HELP ${head} ${format === 'openmetrics' ? help.replaceAll('"', '\\"') : help}\n`;
  text += `# TYPE ${head} ${declaration.type}\n`;
  if (format === 'openmetrics' && declaration.unit !== '' && family.endsWith(`_${declaration.unit}`)) {
    text += `# UNIT ${head} ${declaration.unit}\n`;
  }
  for (const series of metric.series.values()) {
    const labels = labelPairs(declaration.labels, series);
    text +=
      series.buckets === null
        ? `${sample}${braced(labels)} ${number(series.value)}\n`
        : renderHistogram(metric, series, { family, labels, format });
  }
  return text;
}

function renderHistogram(
  metric: Metric,
  series: Series,
  { family, labels, format }: { family: string; labels: readonly string[]; format: ExpositionFormat },
): string {
  const bounds = bucketBounds(metric.declaration);
  let seen = 0;
  let text = '';
  for (let i = 0; i <= bounds.length; i++) {
    seen += series.buckets![i]!;
    const bound = i < bounds.length ? bucketText(bounds[i]!, format) : '+Inf';
    text += `${family}_bucket${braced([...labels, `le="${bound}"`])} ${seen}\n`;
  }
  return `${text}${family}_sum${braced(labels)} ${number(series.value)}\n${family}_count${braced(labels)} ${seen}\n`;
}

/** OpenMetrics asks for floats in `le` (1.0, not 1). */
function bucketText(bound: number, format: ExpositionFormat): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function labelPairs(names: readonly string[], series: Series): readonly string[] {
  return names.map((name, i) => `${name}="${escapeLabel(series.labelValues[i] ?? '')}"`);
}

const braced = (labels: readonly string[]): string => (labels.length === 0 ? '' : `{${labels.join(',')}}`);

export function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}
