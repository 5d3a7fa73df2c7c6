import type { ReloadAction, ReloadStep } from './reload-actions.ts';
import { withClientIds } from './complete-config.ts';
import { inputForm } from './print-config.ts';
import { configSchema, type Config, type StreamConfig } from './schema/config.ts';
import { isRecord } from './schema/shape.ts';
import { renderPath, type Path } from './source-tree.ts';

/** What a reload from `before` to `after` would change; empty when nothing. */
export function planReload(before: Config, after: Config): readonly ReloadStep[] {
  const old = inputForm(configSchema, before);
  const now = inputForm(configSchema, withClientIdsOf(before.agent.id, after));
  const steps: ReloadStep[] = [];
  compare(old, now, [], (path, one, other) => {
    const kind = one === undefined ? 'added' : other === undefined ? 'removed' : 'changed';
    const { effect, action } = consequence(path, kind, before, after);
    steps.push({ path: renderPath(path), kind, before: oneLine(one), after: oneLine(other), effect, action });
  });
  return steps;
}

/** What is in force after a reload: `after`, but for what only a restart can change. */
export function untilRestart(before: Config, after: Config): Config {
  return { ...withClientIdsOf(before.agent.id, after), agent: before.agent };
}

/**
 * Client ids that nobody chose name the agent, and with it the session at a broker that holds its messages: they change when the agent does, not
 * before.
 */
function withClientIdsOf(agentId: string, config: Config): Config {
  return agentId === config.agent.id ? config : withClientIds(config, { from: config.agent.id, to: agentId });
}

type Report = (path: Path, one: unknown, other: unknown) => void;

/** Maps are followed to the key that differs; lists, and things that came or went whole, are told as one. */
function compare(one: unknown, other: unknown, path: Path, report: Report): void {
  if (isRecord(one) && isRecord(other) && !changesKind(one, other, path)) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      compare(one[key], other[key], [...path, key], report);
    }
  } else if (path[2] === 'stages' && path.length === 3 && Array.isArray(one) && Array.isArray(other)) {
    for (let i = 0; i < Math.max(one.length, other.length); i++)
      compareStage(one[i], other[i], [...path, i], report);
  } else {
    compareWhole(one, other, path, report);
  }
}

/** To the key that differs while it stays the same stage. */
function compareStage(one: unknown, other: unknown, path: Path, report: Report): void {
  const sameKind = isRecord(one) && isRecord(other) && Object.keys(one).join() === Object.keys(other).join();
  if (sameKind) compare(one, other, path, report);
  else compareWhole(one, other, path, report);
}

function compareWhole(one: unknown, other: unknown, path: Path, report: Report): void {
  if (JSON.stringify(one) !== JSON.stringify(other)) report(path, one, other);
}

/** A source that was an MQTT client and is now a broker has no keys to compare. */
function changesKind(one: Record<string, unknown>, other: Record<string, unknown>, path: Path): boolean {
  return path.length === 2 && one['type'] !== other['type'];
}

type Consequence = Pick<ReloadStep, 'effect' | 'action'>;

const parts = { sources: 'source', streams: 'stream', uplinks: 'uplink' } as const;

function consequence(path: Path, kind: ReloadStep['kind'], before: Config, after: Config): Consequence {
  const [section, name = ''] = path as readonly string[];
  switch (section) {
    case 'sources':
    case 'streams':
    case 'uplinks': {
      const part = parts[section];
      const whole = path.length === 2;
      if (whole && kind === 'added') return act(`start ${part} ${name}`, { part, name, action: 'start' });
      if (whole && kind === 'removed') return act(stopWords(part, name), { part, name, action: 'stop' });
      if (section === 'streams') return streamChange(name, path, before.streams[name]!, after.streams[name]!);
      if (section === 'sources') {
        const session =
          after.sources[name]?.type === 'mqtt' ? ' (the broker keeps what is sent meanwhile)' : '';
        return act(`restart source ${name}${session}`, { part, name, action: 'restart' });
      }
      return act(`restart uplink ${name} (it goes on where it was)`, { part, name, action: 'restart' });
    }
    case 'buffer':
      return act('update the buffer', { part: 'buffer', name: 'buffer', action: 'update' });
    case 'api':
      return act('restart the api', { part: 'api', name: 'api', action: 'restart' });
    case 'log':
      return act('update the log', { part: 'log', name: 'log', action: 'update' });
    case 'tests':
      return act('nothing that runs is concerned', null);
    default:
      return act('needs a restart of the agent', { part: 'agent', name: 'agent', action: 'needs_restart' });
  }
}

function stopWords(part: 'source' | 'stream' | 'uplink', name: string): string {
  switch (part) {
    case 'source':
      return `stop source ${name}`;
    case 'stream':
      return `stop stream ${name} (what is stored of it stays and is still sent)`;
    case 'uplink':
      return `stop uplink ${name} (its place in every stream is kept, and holds no data back)`;
  }
}

function streamChange(name: string, path: Path, before: StreamConfig, after: StreamConfig): Consequence {
  const stagesKept = unchangedStages(before, after);
  const action: ReloadAction = { part: 'stream', name, action: 'update', stagesKept };
  if (path[2] === 'priority') return act(`update the priority of stream ${name}`, action);
  if (path[2] !== 'stages') return act(`swap pipeline of stream ${name} (state kept)`, action);
  const kept =
    stagesKept.length === 0
      ? 'state lost, open windows given out'
      : `state kept up to stage ${stagesKept.length - 1}, lost after it, open windows given out`;
  return act(`swap pipeline of stream ${name} (${kept})`, action);
}

/** Stages up to the first that differs: what a later stage remembers came out of those before it. */
function unchangedStages(before: StreamConfig, after: StreamConfig): readonly number[] {
  const kept: number[] = [];
  for (const [index, stage] of after.stages.entries()) {
    if (JSON.stringify(stage) !== JSON.stringify(before.stages[index])) break;
    kept.push(index);
  }
  return kept;
}

function act(effect: string, action: ReloadAction | null): Consequence {
  return { effect, action };
}

/** Shortened: a plan is read by people. */
function oneLine(value: unknown): string | null {
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
