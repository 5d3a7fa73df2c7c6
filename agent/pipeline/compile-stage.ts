import {
  compileDespike,
  compileEma,
  compileKalman,
  compileMedian,
  compileRate,
  compileSavgol,
  compileUnit,
} from './compile-filters.ts';
import { compileAlert, compileJoin, compileResample, compileVibration } from './compile-derivers.ts';
import { compileCompress, compileDedup } from './compile-reducers.ts';
import { compileSketch, compileWindow } from './compile-windows.ts';
import { parseExpression } from './expression/environment.ts';
import { calibrationPointsMax, fieldPatternsMax, seriesLimitMax } from './limits.ts';
import type {
  CalibrateConfig,
  DeadbandConfig,
  SelectConfig,
  StageConfig,
  ThrottleConfig,
} from './stage-config.ts';
import type { StageProblem } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import { calibrateStage } from './stages/calibrate.ts';
import { DeadbandStage } from './stages/deadband.ts';
import { keepStage } from './stages/keep.ts';
import { renameStage } from './stages/rename.ts';
import { selectStage } from './stages/select.ts';
import { ThrottleStage } from './stages/throttle.ts';

export type { StageProblem };

/** The kind of a stage is its only key. */
export type StageKind = StageConfig extends infer One ? (One extends unknown ? keyof One : never) : never;
type ConfigOf<Kind extends StageKind> = Extract<StageConfig, Readonly<Record<Kind, unknown>>>[Kind];
/** A stage, or everything that is wrong with its config. */
type Compiled = Stage | readonly StageProblem[];

/** Every stage there is. `rule` is its name in accounts, `stream` whose pipeline it stands in. */
const compilers: {
  readonly [Kind in StageKind]: (rule: string, config: ConfigOf<Kind>, stream: string) => Compiled;
} = {
  keep: (rule, text) => {
    const parsed = parseExpression(text);
    return parsed.ok ? keepStage(rule, parsed.value) : [{ path: 'keep', message: parsed.error }];
  },
  calibrate: (rule, config) => orProblems(calibrateProblems(config), () => calibrateStage(rule, config)),
  select: (rule, config) => orProblems(selectProblems(config), () => selectStage(rule, config)),
  rename: (rule, config) => orProblems(renameProblems(config), () => renameStage(rule, config)),
  deadband: (rule, config) => orProblems(deadbandProblems(config), () => new DeadbandStage(rule, config)),
  throttle: (rule, config) => orProblems(throttleProblems(config), () => new ThrottleStage(rule, config)),
  despike: compileDespike,
  ema: compileEma,
  median: compileMedian,
  rate: compileRate,
  savgol: compileSavgol,
  kalman: compileKalman,
  compress: compileCompress,
  dedup: compileDedup,
  alert: compileAlert,
  resample: compileResample,
  join: compileJoin,
  vibration: compileVibration,
  unit: compileUnit,
  window: compileWindow,
  sketch: compileSketch,
};

export function compileStage(index: number, config: StageConfig, stream: string): Compiled {
  const kind = Object.keys(config)[0] ?? '';
  if (!Object.hasOwn(compilers, kind)) {
    const known = Object.keys(compilers).join(', ');
    return [{ path: '', message: `there is no stage "${kind}"; there are ${known}` }];
  }
  const compile = compilers[kind as StageKind] as (rule: string, config: unknown, stream: string) => Compiled;
  return compile(`${index}:${kind}`, (config as Record<string, unknown>)[kind], stream);
}

function orProblems(problems: readonly StageProblem[], stage: () => Stage): Compiled {
  return problems.length > 0 ? problems : stage();
}

function calibrateProblems({ field, scale, offset, points }: CalibrateConfig): StageProblem[] {
  const problems: StageProblem[] = [];
  if (field === '') problems.push({ path: 'calibrate.field', message: 'a field name is needed' });
  for (const [name, value] of [
    ['scale', scale],
    ['offset', offset],
  ] as const) {
    if (value !== undefined && !Number.isFinite(value)) {
      problems.push({ path: `calibrate.${name}`, message: `${value} is not a finite number` });
    }
  }
  if (points === undefined) {
    if (scale === undefined && offset === undefined) {
      problems.push({ path: 'calibrate', message: 'scale, offset or points is needed' });
    }
    return problems;
  }
  if (scale !== undefined || offset !== undefined) {
    problems.push({ path: 'calibrate.points', message: 'points do not go together with scale or offset' });
  }
  if (points.length < 2 || points.length > calibrationPointsMax) {
    problems.push({
      path: 'calibrate.points',
      message: `${points.length} points; 2 to ${calibrationPointsMax} are allowed`,
    });
  }
  for (const [i, point] of points.entries()) {
    if (!point.every((number) => Number.isFinite(number))) {
      problems.push({ path: `calibrate.points.${i}`, message: 'a point is two finite numbers' });
    } else if (i > 0 && !(point[0] > points[i - 1]![0])) {
      problems.push({
        path: `calibrate.points.${i}`,
        message: `raw values must ascend; ${point[0]} follows ${points[i - 1]![0]}`,
      });
    }
  }
  return problems;
}

function patternProblems(path: string, patterns: readonly string[]): StageProblem[] {
  if (patterns.length === 0) return [{ path, message: 'at least one name or pattern is needed' }];
  if (patterns.length > fieldPatternsMax) {
    return [{ path, message: `${patterns.length} patterns; at most ${fieldPatternsMax} are allowed` }];
  }
  const empty = patterns.findIndex((pattern) => pattern === '' || pattern === '!');
  return empty < 0 ? [] : [{ path: `${path}.${empty}`, message: 'the pattern is empty' }];
}

function selectProblems({ fields }: SelectConfig): StageProblem[] {
  return patternProblems('select.fields', fields);
}

function renameProblems(names: Readonly<Record<string, string>>): StageProblem[] {
  const entries = Object.entries(names);
  const problems: StageProblem[] = [];
  if (entries.length === 0) problems.push({ path: 'rename', message: 'at least one name is needed' });
  if (entries.length > fieldPatternsMax) {
    problems.push({
      path: 'rename',
      message: `${entries.length} names; at most ${fieldPatternsMax} are allowed`,
    });
  }
  for (const [from, to] of entries) {
    if (to === '') problems.push({ path: `rename.${from}`, message: 'the new name is empty' });
    else if (from === to) problems.push({ path: `rename.${from}`, message: 'the new name is the old one' });
  }
  return problems;
}

function deadbandProblems(config: DeadbandConfig): StageProblem[] {
  const problems: StageProblem[] = [];
  if (config.field === undefined && config.fields === undefined) {
    problems.push({ path: 'deadband', message: 'field or fields is needed' });
  }
  if (config.fields !== undefined) problems.push(...patternProblems('deadband.fields', config.fields));
  if (config.absolute === undefined && config.percent === undefined) {
    problems.push({
      path: 'deadband',
      message: 'absolute or percent is needed; absolute: 0 drops exact repetitions',
    });
  }
  for (const name of ['absolute', 'percent'] as const) {
    const value = config[name];
    if (value !== undefined && !(value >= 0 && Number.isFinite(value))) {
      problems.push({ path: `deadband.${name}`, message: `${value} is not a number >= 0` });
    }
  }
  if (config.max_interval !== undefined && !(config.max_interval > 0)) {
    problems.push({ path: 'deadband.max_interval', message: 'must be longer than 0' });
  }
  return [...problems, ...seriesProblems('deadband', config.max_series)];
}

function throttleProblems({ every, count, max_series }: ThrottleConfig): StageProblem[] {
  const problems: StageProblem[] = [];
  if (!(every > 0 && Number.isFinite(every)))
    problems.push({ path: 'throttle.every', message: 'must be longer than 0' });
  if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1)) {
    problems.push({ path: 'throttle.count', message: `${count} is not a whole number >= 1` });
  }
  return [...problems, ...seriesProblems('throttle', max_series)];
}

function seriesProblems(kind: string, max_series: number | undefined): StageProblem[] {
  if (
    max_series === undefined ||
    (Number.isSafeInteger(max_series) && max_series >= 1 && max_series <= seriesLimitMax)
  )
    return [];
  return [
    {
      path: `${kind}.max_series`,
      message: `${max_series} is not a whole number from 1 to ${seriesLimitMax}`,
    },
  ];
}
