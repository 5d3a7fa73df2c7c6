import type { EmaConfig, KalmanConfig, MedianConfig, RateConfig, SavgolConfig } from './filter-config.ts';
import { filterWindowMax } from './limits.ts';
import { emaKernel } from './signal/ema.ts';
import { kalmanKernel } from './signal/kalman.ts';
import { medianKernel } from './signal/median.ts';
import { orderMax } from './signal/polynomial-weights.ts';
import { rateKernel } from './signal/rate.ts';
import { savgolKernel } from './signal/savgol.ts';
import type { StageProblem } from './stage-checks.ts';
import { StageChecks } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import type { DespikeConfig } from './stages/despike.ts';
import { DespikeStage } from './stages/despike.ts';
import type { FilterStageConfig } from './stages/filter-stage.ts';
import { FilterStage } from './stages/filter-stage.ts';
import type { UnitConfig } from './stages/unit.ts';
import { unitStage } from './stages/unit.ts';
import { conversion } from './ucum/conversion.ts';

type Compiled = Stage | readonly StageProblem[];

export function compileDespike(rule: string, config: DespikeConfig): Compiled {
  return checksOf('despike', config)
    .whole('window', config.window, { min: 3, max: filterWindowMax })
    .positive({ sigmas: config.sigmas })
    .notNegative({ floor: config.floor })
    .orBuild(() => new DespikeStage(rule, config));
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

export function compileSavgol(rule: string, config: SavgolConfig): Compiled {
  const { window = 11, order = 2, derivative = 0 } = config;
  return checksOf('savgol', config)
    .whole('window', window, { min: 3, max: filterWindowMax })
    .whole('order', order, { min: 0, max: orderMax })
    .need(order < window, 'order', `must be below the window of ${window} values`)
    .need(derivative <= order, 'derivative', `a polynomial of order ${order} has no such derivative`)
    .orBuild(
      () =>
        new FilterStage(rule, config, savgolKernel({ window, order, derivative }), {
          derives: derivative > 0,
        }),
    );
}

export function compileKalman(rule: string, config: KalmanConfig): Compiled {
  const { model = 'level', process_noise: processNoise, measurement_noise: measurementNoise, gate } = config;
  const { velocity_as: name } = config;
  const second = name === undefined ? null : { name, of: (state: { velocity: number }) => state.velocity };
  return checksOf('kalman', config)
    .positive({ process_noise: processNoise, measurement_noise: measurementNoise, gate })
    .names({ velocity_as: name })
    .need(second === null || model === 'velocity', 'velocity_as', 'needs `model: velocity`')
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
  const { field, from, to, difference: isDifference = false } = config;
  const checks = new StageChecks('unit').names({ field });
  const converts = conversion({ from, to, isDifference });
  if (!converts.ok) return checks.problem('', converts.error).problems;
  return checks.orBuild(() => unitStage(rule, field, converts.value));
}

function checksOf(kind: string, config: FilterStageConfig): StageChecks {
  return new StageChecks(kind)
    .names({ field: config.field, as: config.as })
    .positive({ max_gap: config.max_gap })
    .series(config.max_series);
}
