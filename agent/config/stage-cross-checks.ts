import type { Findings, RoomChecks } from './cross-checks.ts';
import { meantWord } from './meant.ts';
import { quote } from './problem.ts';
import type { Config, StreamConfig } from './schema/config.ts';
import type { Path } from './source-tree.ts';

/** Whether the stages of a stream fit together, and with the rest of the configuration. `streams`: all names there are. */
export function checkStages(
  name: string,
  stream: StreamConfig,
  {
    config,
    checks,
    streams,
  }: { readonly config: Config; readonly checks: RoomChecks; readonly streams: readonly string[] },
  findings: Findings,
): void {
  for (const [index, stage] of stream.stages.entries()) {
    const path = ['streams', name, 'stages', index];
    if ('keep' in stage) {
      const problem = checks.checkExpression(stage.keep);
      if (problem !== null)
        findings.error([...path, 'keep'], `${quote(stage.keep)}: ${problem}`, { value: stage.keep });
    } else if ('rename' in stage) {
      const taken = new Set<string>();
      for (const [from, to] of Object.entries(stage.rename)) {
        if (taken.has(to))
          findings.error([...path, 'rename', from], `${quote(to)} is the new name of another field too`);
        taken.add(to);
      }
    } else if ('alert' in stage) {
      checkAlert(stream, stage.alert, [...path, 'alert'], { sources: config.sources, findings });
    } else if ('join' in stage) {
      const other = stage.join.with;
      if (other === name) findings.error([...path, 'join', 'with'], 'a stream does not join with itself');
      else if (!streams.includes(other))
        findings.error([...path, 'join', 'with'], unknownName(other, 'stream', streams), {
          value: other,
          meant: meantWord(other, streams),
        });
    }
  }
  const problems = checks.checkStages?.(stream.stages) ?? [];
  if (problems.length === 0 && config.buffer.when_full === 'block')
    checkUrgency(name, stream, checks.urgencyHindered?.(stream) ?? null, findings);
  for (const { stage, path, message } of problems) {
    const known = stream.stages[stage];
    // An expression was told above, with its own words.
    if (known !== undefined && 'keep' in known) continue;
    const inside = stage < 0 ? [] : [stage, ...path.split('.').flatMap(pathPart)];
    findings.error(['streams', name, 'stages', ...inside], message);
  }
}

/** Of a problem's path: numbers count into lists. */
function pathPart(part: string): readonly (string | number)[] {
  if (part === '') return [];
  return /^\d+$/.test(part) ? [Number(part)] : [part];
}

/** A full buffer keeps room for urgent streams only where nothing binds them to the order of the others. */
function checkUrgency(
  name: string,
  { priority, stages }: StreamConfig,
  hindrance: number | null,
  findings: Findings,
): void {
  if (hindrance === null) return;
  const [kind = 'stage'] = Object.keys(stages[hindrance] ?? {});
  findings.warning(
    ['streams', name, 'priority'],
    `does not make it urgent: what ${kind} (stages.${hindrance}) remembers is stored in one order with all streams, so a full buffer ` +
      `(when_full: block) takes neither; let a stream with a source of its own have ${kind}, or lower the priority`,
    { value: String(priority) },
  );
}

/** A message goes to a broker that one of the sources is connected to, or is. */
function checkAlert(
  stream: StreamConfig,
  alert: { readonly publish?: string | undefined; readonly via?: string | undefined },
  path: Path,
  { sources, findings }: { readonly sources: Config['sources']; readonly findings: Findings },
): void {
  if (alert.publish === undefined) return;
  const known = Object.keys(sources).filter((name) => ['mqtt', 'broker'].includes(sources[name]!.type));
  if (alert.via !== undefined) {
    if (!known.includes(alert.via))
      findings.error([...path, 'via'], unknownName(alert.via, 'source of type mqtt or broker', known), {
        value: alert.via,
        meant: meantWord(alert.via, known),
      });
  } else if (!stream.from.some((name) => known.includes(name)))
    findings.error(
      [...path, 'publish'],
      'has no broker to go to: name a source of type mqtt or broker in `via`',
    );
}

export function unknownName(name: string, what: string, known: readonly string[]): string {
  const others = known.length === 0 ? `there is no ${what}` : `there are ${known.slice(0, 8).join(', ')}`;
  return `${quote(name)} is no ${what}; ${others}`;
}
