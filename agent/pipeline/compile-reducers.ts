import type { StageProblem } from './stage-checks.ts';
import { StageChecks } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import type { CompressConfig } from './stages/compress.ts';
import { CompressStage } from './stages/compress.ts';

type Compiled = Stage | readonly StageProblem[];

export function compileCompress(rule: string, config: CompressConfig): Compiled {
  const { deviation, min_interval, max_interval, exception } = config;
  return new StageChecks('compress')
    .names({ field: config.field })
    .notNegative({ deviation, min_interval, 'exception.deviation': exception?.deviation })
    .notNegative({ 'exception.min_interval': exception?.min_interval })
    .positive({ max_interval, 'exception.max_interval': exception?.max_interval })
    .need((min_interval ?? 0) <= (max_interval ?? Infinity), 'min_interval', 'is longer than max_interval')
    .series(config.max_series)
    .orBuild(() => new CompressStage(rule, config));
}
