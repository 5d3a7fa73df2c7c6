import { fieldPatternsMax, windowEmitsMax, windowSlicesMax } from './limits.ts';
import type { StageProblem } from './stage-checks.ts';
import { StageChecks } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import { sketchKindNames } from './window/field-sketches.ts';
import { emitNames, isEmit } from './window/emits.ts';
import type { SketchConfig, WindowConfig, WindowSpans } from './window/window-config.ts';
import { windowPlan } from './window/window-config.ts';
import { sketchStage, windowStage } from './window/windowed-stage.ts';

type Compiled = Stage | readonly StageProblem[];

export function compileWindow(rule: string, config: WindowConfig, stream: string): Compiled {
  const { emit = [] } = config;
  const unknown = emit.findIndex((name) => !isEmit(name));
  return spanChecks('window', config)
    .need(config.emit === undefined || emit.length > 0, 'emit', 'names nothing')
    .need(
      emit.length <= windowEmitsMax,
      'emit',
      `names ${emit.length} figures; ${windowEmitsMax} are allowed`,
    )
    .need(
      unknown < 0,
      `emit.${unknown}`,
      `there is no ${JSON.stringify(emit[unknown])}; there are ${emitNames}`,
    )
    .need(new Set(emit).size === emit.length, 'emit', 'names a figure twice')
    .need(config.into !== stream, 'into', 'is the stream itself; leave it out to have the results there')
    .orBuild(() => windowStage(rule, config, stream));
}

export function compileSketch(rule: string, config: SketchConfig, stream: string): Compiled {
  const { kinds = [] } = config;
  const unknown = kinds.find((kind) => !sketchKindNames.includes(kind));
  return spanChecks('sketch', config)
    .need(config.kinds === undefined || kinds.length > 0, 'kinds', 'names nothing')
    .need(
      unknown === undefined,
      'kinds',
      `there is no ${JSON.stringify(unknown)}; there are ${sketchKindNames.join(', ')}`,
    )
    .need(new Set(kinds).size === kinds.length, 'kinds', 'names a kind twice')
    .need(config.into !== stream, 'into', 'is the stream itself')
    .orBuild(() => sketchStage(rule, config, stream));
}

function spanChecks(kind: string, spans: WindowSpans): StageChecks {
  const { every, slide, session, out_of_order, lateness, idle, fields, late_into } = spans;
  const checks = new StageChecks(kind)
    .positive({ every, slide, session, idle })
    .notNegative({ out_of_order, lateness })
    .need(every !== undefined || session !== undefined, '', 'needs every or session')
    .need(every === undefined || session === undefined, 'session', 'can not stand beside every')
    .need(slide === undefined || every !== undefined, 'slide', 'has a meaning only with every')
    .need(
      fields === undefined || (fields.length > 0 && fields.length <= fieldPatternsMax),
      'fields',
      'names no field',
    )
    .need(late_into !== '', 'late_into', 'is empty')
    .series(spans.max_series);
  if (checks.problems.length > 0) return checks;
  if (every !== undefined && slide !== undefined && every % slide !== 0)
    checks.problem('slide', 'must divide every without a rest');
  const { everyMicros, slideMicros, outOfOrderMicros, latenessMicros } = windowPlan(spans);
  const slices = (everyMicros + outOfOrderMicros + latenessMicros) / slideMicros;
  if (slices >= windowSlicesMax / 2)
    checks.problem(
      '',
      `${Math.ceil(slices)} windows of a series would be open at a time; ${windowSlicesMax / 2} are allowed`,
    );
  return checks;
}
