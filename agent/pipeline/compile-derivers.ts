import { parseExpression } from './expression/environment.ts';
import type { StageProblem } from './stage-checks.ts';
import { StageChecks } from './stage-checks.ts';
import type { Stage } from './stage.ts';
import type { AlertConfig } from './stages/alert.ts';
import { AlertStage } from './stages/alert.ts';
import { topicTemplateProblem } from './stages/topic-template.ts';

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
