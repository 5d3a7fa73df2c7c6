import type { EmaConfig, KalmanConfig, MedianConfig, RateConfig, SavgolConfig } from './filter-config.ts';
import { filterWindowMax } from './limits.ts';
import { centredHampelKernel } from './signal/centred-hampel.ts';
import { centredSavgolKernel } from './signal/centred-savgol.ts';
import { emaKernel } from './signal/ema.ts';
import { kalmanKernel } from './signal/kalman.ts';
import { medianKernel } from './signal/median.ts';
import { orderMax } from './signal/polynomial-weights.ts';
import { rateKernel } from './signal/rate.ts';
import { savgolKernel } from './signal/savgol.ts';
import type { StageProblem } from './stage-checks.ts';
import { StageChecks } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import { CentredStage } from './stages/centred-stage.ts';
import type { DespikeConfig } from './stages/despike.ts';
import { DespikeStage, hampelOptions, takesSpikesOut } from './stages/despike.ts';
import type { FilterStageConfig } from './stages/filter-stage.ts';
import { FilterStage, writesResults } from './stages/filter-stage.ts';
import type { UnitConfig } from './stages/unit.ts';
import { unitStage } from './stages/unit.ts';
import { conversion } from './ucum/conversion.ts';
import { parseUnit } from './ucum/parse-unit.ts';

type Compiled = Stage | readonly StageProblem[];

export function compileDespike(rule: string, config: DespikeConfig, stream: string): Compiled {
  return centredChecks(checksOf('despike', config), config)
    .whole('window', config.window, { min: 3, max: filterWindowMax })
    .positive({ sigmas: config.sigmas })
    .notNegative({ floor: config.floor })
    .orBuild(() => {
      if (config.mode !== 'centred') return new DespikeStage(rule, config);
      const kernel = centredHampelKernel(hampelOptions(config));
      return new CentredStage({ rule, stream }, config, kernel, takesSpikesOut(rule, config));
    });
}

export function compileEma(rule: string, config: EmaConfig): Compiled {
  return checksOf('ema', config)
    .positive({ time_constant: config.time_constant })
    .orBuild(() => new FilterStage(rule, config, emaKernel(config.time_constant * 1000)));
}

export function compileMedian(rule: string, config: MedianConfig): Compiled {
  return checksOf('median', config)
    .whole('window', config.window, { min: 2, max: filterWindowMax })
    .orBuild(() => new FilterStage(rule, config, medianKernel(config.window ?? 5)));
}

export function compileRate(rule: string, config: RateConfig): Compiled {
  const { kind = 'counter', emit = 'rate', per = 1000, bits = null } = config;
  return checksOf('rate', config)
    .positive({ per })
    .need(bits === null || kind === 'counter', 'bits', 'has a meaning for counters only')
    .orBuild(
      () =>
        new FilterStage(rule, config, rateKernel({ kind, emit, perMicros: per * 1000, bits }), {
          derives: true,
        }),
    );
}

export function compileSavgol(rule: string, config: SavgolConfig, stream: string): Compiled {
  const { window = 11, order = 2, derivative = 0 } = config;
  return centredChecks(checksOf('savgol', config), { ...config, window })
    .whole('window', window, { min: 3, max: filterWindowMax })
    .whole('order', order, { min: 0, max: orderMax })
    .need(order < window, 'order', `must be below the window of ${window} values`)
    .need(derivative <= order, 'derivative', `a polynomial of order ${order} has no such derivative`)
    .orBuild(() => {
      const options = { window, order, derivative };
      const derives = derivative > 0;
      if (config.mode !== 'centred') return new FilterStage(rule, config, savgolKernel(options), { derives });
      const use = writesResults(rule, config, derives);
      return new CentredStage({ rule, stream }, config, centredSavgolKernel(options), use);
    });
}

export function compileKalman(rule: string, config: KalmanConfig): Compiled {
  const { model = 'level', process_noise: processNoise, measurement_noise: measurementNoise, gate } = config;
  const { velocity_as: name } = config;
  const second = name === undefined ? null : { name, of: (state: { velocity: number }) => state.velocity };
  return checksOf('kalman', config)
    .positive({ process_noise: processNoise, measurement_noise: measurementNoise, gate })
    .names({ velocity_as: name })
    .need(second === null || model === 'velocity', 'velocity_as', 'needs `model: velocity`')
    .need(name !== (config.as ?? config.field), 'velocity_as', 'takes the value already')
    .orBuild(() => {
      const kernel = kalmanKernel({
        model,
        processNoise,
        measurementNoise,
        gate: gate ?? Number.POSITIVE_INFINITY,
      });
      return new FilterStage(rule, config, kernel, { second });
    });
}

export function compileUnit(rule: string, config: UnitConfig): Compiled {
  const { field, as, from, to, difference: isDifference = false } = config;
  const checks = new StageChecks('unit').names({ field, as });
  for (const [option, code] of [
    ['from', from],
    ['to', to],
  ] as const) {
    const unit = parseUnit(code);
    if (!unit.ok) checks.problem(option, unit.error);
  }
  if (checks.problems.length > 0) return checks.problems;
  const converts = conversion({ from, to, isDifference });
  if (!converts.ok) return checks.problem('to', converts.error).problems;
  return checks.orBuild(() => unitStage(rule, config, converts.value));
}

function checksOf(kind: string, config: FilterStageConfig): StageChecks {
  return new StageChecks(kind)
    .names({ field: config.field, as: config.as })
    .positive({ max_gap: config.max_gap })
    .series(config.max_series);
}

/** What a window in the middle of which the value stands needs. */
function centredChecks(
  checks: StageChecks,
  config: {
    readonly mode?: 'causal' | 'centred' | undefined;
    readonly window?: number | undefined;
    readonly max_hold?: number | undefined;
  },
): StageChecks {
  const isCentred = config.mode === 'centred';
  return checks
    .positive({ max_hold: config.max_hold })
    .need(isCentred || config.max_hold === undefined, 'max_hold', 'has a meaning with `mode: centred` only')
    .need(
      !isCentred || config.window === undefined || config.window % 2 === 1,
      'window',
      `${config.window} values have no middle; with \`mode: centred\` it must be odd`,
    );
}
