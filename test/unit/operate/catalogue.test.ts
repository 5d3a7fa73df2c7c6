import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { familyName } from '#agent/operate/exposition.ts';
import { type MetricDeclaration, metricCatalogue } from '#agent/operate/metric-catalogue.ts';

/** A call that names a metric, as it stands in a source. */
interface Use {
  readonly where: string;
  readonly name: string;
  readonly type: MetricDeclaration['type'];
  /** Names of a label object written out in the call; null when labels come from elsewhere. */
  readonly labels: readonly string[] | null;
}

const types = { count: 'counter', gauge: 'gauge', observe: 'histogram' } as const;
const call = /[tT]elemetry\s*\.(count|gauge|observe)\(\s*'([^']+)'([^;]*?)\)(?:;|,\n|\s*$)/gm;

function usesIn(where: string, source: string): Use[] {
  return [...source.matchAll(call)].map((match) => {
    const object = /\{([^{}]*)\}/.exec(match[3]!.replaceAll(/`[^`]*`/g, ''))?.[1];
    return {
      where,
      name: match[2]!,
      type: types[match[1] as keyof typeof types],
      labels:
        object === undefined
          ? null
          : object
              .split(',')
              .map((entry) => entry.split(':')[0]!.trim())
              .filter((label) => label !== ''),
    };
  });
}

function usesOfAgent(): readonly Use[] {
  const agent = fileURLToPath(new URL('../../../agent', import.meta.url));
  return readdirSync(agent, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('events.ts'))
    .flatMap((name) => usesIn(name, readFileSync(join(agent, name), 'utf8')));
}

describe('metric catalogue', () => {
  it('reads calls as they are written', () => {
    const source = `this.#telemetry.count('a_b', { uplink: this.#uplink, outcome }, n);
      telemetry.observe('c_seconds', elapsed / 1000);
      telemetry.gauge(
        'd', 1, labels,
      );`;

    expect(usesIn('x', source)).toEqual([
      { where: 'x', name: 'a_b', type: 'counter', labels: ['uplink', 'outcome'] },
      { where: 'x', name: 'c_seconds', type: 'histogram', labels: null },
      { where: 'x', name: 'd', type: 'gauge', labels: null },
    ]);
  });

  it('knows every metric that a room names, by its type and labels', () => {
    const uses = usesOfAgent();

    const wrong = uses.filter(({ name, type, labels }) => {
      const declared = metricCatalogue[name];
      return declared?.type !== type || labels?.some((label) => !declared.labels.includes(label)) === true;
    });

    expect(uses.length).toBeGreaterThan(40);
    expect(
      wrong.map(({ where, name, type, labels }) => `${where}: ${type} ${name} ${labels?.join() ?? ''}`),
    ).toEqual([]);
  });
});

/** The reference that operators read: one row a metric. `vitest -u` writes it anew. */
function reference(): string {
  const rows = Object.keys(metricCatalogue)
    .sort()
    .map((name) => {
      const { type, labels, help } = metricCatalogue[name]!;
      const sample = `${familyName(name)}${type === 'counter' ? '_total' : ''}`;
      const names = labels.map((label) => `\`${label}\``).join(', ');
      return `| \`${sample}\` | ${type} | ${names} | ${help} |`;
    });
  return [
    '# Metrics',
    '',
    'Written from `metric-catalogue.ts` by its test (`vitest run --project unit catalogue -u`).',
    '',
    '| name | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

describe('METRICS.md', () => {
  it('says what the catalogue says', async () => {
    await expect(reference()).toMatchFileSnapshot('../../../agent/operate/METRICS.md');
  });
});
