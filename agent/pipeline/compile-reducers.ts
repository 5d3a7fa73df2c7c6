import { dedupEntriesMax, fieldPatternsMax } from './limits.ts';
import type { StageProblem } from './stage-checks.ts';
import { StageChecks } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import type { CompressConfig } from './stages/compress.ts';
import { CompressStage } from './stages/compress.ts';
import type { DedupConfig } from './stages/dedup.ts';
import { DedupStage } from './stages/dedup.ts';

type Compiled = Stage | readonly StageProblem[];

export function compileCompress(rule: string, config: CompressConfig, stream: string): Compiled {
  const { deviation, min_interval, max_interval, exception } = config;
  return new StageChecks('compress')
    .names({ field: config.field })
    .notNegative({ deviation, min_interval, 'exception.deviation': exception?.deviation })
    .notNegative({ 'exception.min_interval': exception?.min_interval })
    .positive({ max_interval, max_hold: config.max_hold, 'exception.max_interval': exception?.max_interval })
    .need((min_interval ?? 0) <= (max_interval ?? Infinity), 'min_interval', 'is longer than max_interval')
    .series(config.max_series)
    .orBuild(() => new CompressStage(rule, config, stream));
}

export function compileDedup(rule: string, config: DedupConfig): Compiled {
  const { by, within, max_entries } = config;
  return new StageChecks('dedup')
    .need(by === undefined || (by.length > 0 && by.length <= fieldPatternsMax), 'by', 'names no field')
    .positive({ within })
    .whole('max_entries', max_entries, { min: 1, max: dedupEntriesMax })
    .orBuild(() => new DedupStage(rule, config));
}
