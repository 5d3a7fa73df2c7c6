import type { Findings } from './cross-checks.ts';
import { derivedDepthMax } from './limits.ts';
import type { Config } from './schema/config.ts';
import { isRecord } from './schema/shape.ts';
import type { Path } from './source-tree.ts';

/** A stage that sends readings to another stream. */
export interface Derivation {
  readonly from: string;
  readonly to: string;
  /** In `stages:` of `from`. */
  readonly stage: number;
  readonly kind: string;
  /** Key that names the stream; not written where it is a default. */
  readonly option: 'into' | 'late_into';
}

/** Every way from a stream to another by a stage. */
export function derivations(config: Config): readonly Derivation[] {
  return Object.entries(config.streams).flatMap(([from, { stages }]) =>
    stages.flatMap((one, stage) =>
      Object.entries(one as Readonly<Record<string, unknown>>).flatMap(([kind, options]) => {
        const given: { readonly into?: unknown; readonly late_into?: unknown } = isRecord(options)
          ? options
          : {};
        const into = given.into ?? (kind === 'sketch' ? `${from}_sketch` : undefined);
        return [
          ...(typeof into === 'string' ? [{ from, to: into, stage, kind, option: 'into' as const }] : []),
          ...(typeof given.late_into === 'string'
            ? [{ from, to: given.late_into, stage, kind, option: 'late_into' as const }]
            : []),
        ];
      }),
    ),
  );
}

/**
 * What a stage sends to a configured stream goes through that stream's stages, and so on; so the ways must not lead back, nor on
 * without end.
 */
export function checkDerivations(config: Config, findings: Findings): void {
  const ways = derivations(config);
  const onward = Map.groupBy(ways, ({ from }) => from);
  const pathOf = ({ from, stage, kind, option }: Derivation): Path => [
    'streams',
    from,
    'stages',
    stage,
    kind,
    option,
  ];
  for (const way of ways) {
    if (way.to.startsWith('_'))
      findings.error(pathOf(way), 'names that begin with _ are kept for streams of sedge itself', {
        value: way.to,
      });
  }
  const back = ways.flatMap((way) => {
    const streams = wayBack(way, onward);
    return streams === null ? [] : [{ way, streams }];
  });
  for (const { way, streams } of back) findings.error(pathOf(way), backMessage(streams));
  if (back.length > 0) return;
  for (const way of ways) {
    if (longest(way, onward) > derivedDepthMax)
      findings.error(
        pathOf(way),
        `begins a chain of more than ${derivedDepthMax} streams that feed each other`,
      );
  }
}

function backMessage(streams: readonly string[]): string {
  return streams.length === 2
    ? 'sends readings into the stream they come from'
    : `leads back: ${streams.join(' → ')}; readings would go round for ever`;
}

/** The streams from `way.from` back to it, or null. */
function wayBack(
  way: Derivation,
  onward: ReadonlyMap<string, readonly Derivation[]>,
): readonly string[] | null {
  const seen = new Set<string>();
  let ends: readonly (readonly string[])[] = [[way.from, way.to]];
  while (ends.length > 0) {
    const back = ends.find((streams) => streams.at(-1) === way.from);
    if (back !== undefined) return back;
    ends = ends.flatMap((streams) => {
      const last = streams.at(-1)!;
      if (seen.has(last)) return [];
      seen.add(last);
      return (onward.get(last) ?? []).map(({ to }) => [...streams, to]);
    });
  }
  return null;
}

/** Steps of the longest chain that begins with `way`, as far as it matters; chains do not lead back. */
function longest(way: Derivation, onward: ReadonlyMap<string, readonly Derivation[]>): number {
  let ends = new Set([way.to]);
  let steps = 1;
  while (steps <= derivedDepthMax) {
    ends = new Set([...ends].flatMap((stream) => (onward.get(stream) ?? []).map(({ to }) => to)));
    if (ends.size === 0) return steps;
    steps++;
  }
  return steps;
}
