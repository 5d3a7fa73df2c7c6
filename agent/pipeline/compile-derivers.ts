import { parseExpression } from './expression/environment.ts';
import {
  joinBytesMax,
  joinFieldsMax,
  joinKeepDefault,
  joinKeepMax,
  resamplePointsMax,
  seriesLimitDefault,
  vibrationBandsMax,
  vibrationBlockMax,
  vibrationBlockMin,
} from './limits.ts';
import type { StageProblem } from './stage-checks.ts';
import { StageChecks } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import type { AlertConfig } from './stages/alert.ts';
import { AlertStage } from './stages/alert.ts';
import type { JoinConfig } from './stages/join.ts';
import { JoinStage, stateBytesPerSeries } from './stages/join.ts';
import type { ResampleConfig } from './stages/resample.ts';
import { ResampleStage } from './stages/resample.ts';
import { topicTemplateProblem } from './stages/topic-template.ts';
import type { VibrationConfig } from './stages/vibration.ts';
import { VibrationStage } from './stages/vibration.ts';

type Compiled = Stage | readonly StageProblem[];

export function compileAlert(rule: string, config: AlertConfig): Compiled {
  const { for: held, silence, publish, via, name, into } = config;
  const when = parseExpression(config.when);
  const clear = config.clear === undefined ? null : parseExpression(config.clear);
  const topicProblem = publish === undefined ? null : topicTemplateProblem(publish);
  const checks = new StageChecks('alert')
    .notNegative({ for: held, silence })
    .need(topicProblem === null, 'publish', topicProblem ?? '')
    .need(via === undefined || publish !== undefined, 'via', 'has a meaning only with publish')
    .need(name !== '', 'name', 'is empty')
    .need(into !== '', 'into', 'is empty')
    .series(config.max_series);
  if (!when.ok) checks.problem('when', when.error);
  if (clear !== null && !clear.ok) checks.problem('clear', clear.error);
  if (!when.ok || (clear !== null && !clear.ok)) return checks.problems;
  return checks.orBuild(() => new AlertStage(rule, config, when.value, clear === null ? null : clear.value));
}

export function compileResample(rule: string, config: ResampleConfig, stream: string): Compiled {
  const { every, max_gap } = config;
  const points = (max_gap ?? 0) / every;
  return new StageChecks('resample')
    .positive({ every, max_gap })
    .need(
      !(points > resamplePointsMax),
      'max_gap',
      `would fill ${Math.round(points)} points between two readings; at most ${resamplePointsMax} are allowed`,
    )
    .series(config.max_series)
    .orBuild(() => new ResampleStage(rule, config, stream));
}

export function compileVibration(rule: string, config: VibrationConfig): Compiled {
  const { field, sample_rate, block = 1024, overlap = 0, bands = [], max_gap, into } = config;
  const checks = new StageChecks('vibration')
    .names({ field })
    .positive({ sample_rate, max_gap })
    .whole('block', block, { min: vibrationBlockMin, max: vibrationBlockMax })
    .need((block & (block - 1)) === 0, 'block', `${block} is not a power of two`)
    .need(overlap >= 0 && overlap <= 0.9, 'overlap', `${overlap} is not a share from 0 to 0.9`)
    .need(bands.length <= vibrationBandsMax, 'bands', `at most ${vibrationBandsMax} bands are allowed`)
    .need(into !== '', 'into', 'is empty')
    .series(config.max_series);
  for (const [i, [low, high]] of bands.entries())
    if (!(low >= 0 && low < high && high <= sample_rate / 2))
      checks.problem(`bands.${i}`, `a band is [low, high] in Hz with 0 <= low < high <= ${sample_rate / 2}`);
  return checks.orBuild(() => new VibrationStage(rule, config));
}

export function compileJoin(rule: string, config: JoinConfig): Compiled {
  const { with: other, fields, tolerance, keep, max_series } = config;
  const bytesPerSeries = stateBytesPerSeries(keep ?? joinKeepDefault);
  const seriesMax = max_series ?? seriesLimitDefault;
  return new StageChecks('join')
    .need(other !== '', 'with', 'names no stream')
    .need(fields.length > 0, 'fields', 'names no field')
    .need(fields.length <= joinFieldsMax, 'fields', `at most ${joinFieldsMax} fields are allowed`)
    .positive({ tolerance })
    .whole('keep', keep, { min: 1, max: joinKeepMax })
    .need(
      bytesPerSeries * seriesMax <= joinBytesMax,
      'keep',
      `with ${seriesMax} series comes to ${Math.round((bytesPerSeries * seriesMax) / 2 ** 20)} MiB; with \`max_series: ${Math.floor(joinBytesMax / bytesPerSeries)}\` it stays within ${joinBytesMax / 2 ** 20}`,
    )
    .series(max_series)
    .orBuild(() => new JoinStage(rule, config));
}
