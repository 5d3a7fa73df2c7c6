import { counted } from '../base/words.ts';
import type { SedgeError } from '../base/errors.ts';
import type { ReloadStep } from '../config/reload-actions.ts';
import type { Problem } from '../config/problem.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** Lines a reload may write: the rest is counted, and `sedge plan` shows it. */
const linesMax = 10;

export function reloaded(telemetry: Telemetry, steps: readonly ReloadStep[]): void {
  telemetry.count('config_reloads', { outcome: 'applied' });
  const waiting = steps.filter((step) => step.action?.action === 'needs_restart').length;
  const more =
    waiting === 0 ? '' : `; ${waiting} ${waiting === 1 ? 'waits' : 'wait'} for a restart of the agent`;
  telemetry.log(
    'notice',
    'config.reloaded',
    `configuration reloaded: ${counted(steps.length, 'change')}${more}`,
    {
      changes: steps.length,
      waiting,
    },
  );
  for (const { path, effect } of steps.slice(0, linesMax))
    telemetry.log('info', 'config.changed', `${path}: ${effect}`, { path });
}

/** The new configuration is wrong: the old one stays in force. */
export function reloadRefused(telemetry: Telemetry, problems: readonly Problem[]): void {
  telemetry.count('config_reloads', { outcome: 'refused' });
  const first = problems[0];
  const where =
    first === undefined
      ? ''
      : ` (${first.file}:${first.line}:${first.column}: ${first.path}: ${first.message})`;
  telemetry.log(
    'error',
    'config.refused',
    `the new configuration has ${counted(problems.length, 'problem')}, the old one stays in force${where}; run sedge validate`,
    {
      problems: problems.length,
    },
  );
}

/** A part could not be started with its new configuration. */
export function reloadFailed(telemetry: Telemetry, error: SedgeError): void {
  telemetry.count('config_reloads', { outcome: 'failed' });
  telemetry.log(
    'error',
    'config.failed',
    `the new configuration could not be applied whole: ${error.message}; ${error.hint}`,
    { code: error.code },
  );
}

/** The configuration could not be read: the old one stays in force. */
export function reloadUnread(telemetry: Telemetry, error: SedgeError): void {
  telemetry.count('config_reloads', { outcome: 'refused' });
  telemetry.log('error', 'config.unread', `the old configuration stays in force: ${error.message}`, {
    code: error.code,
  });
}

/** The configuration that the last start kept is damaged, or not this agent's; the files were read instead. */
export function keptUnusable(telemetry: Telemetry, why: string): void {
  telemetry.log(
    'debug',
    'config.kept_unusable',
    `the configuration kept for a quick start was not taken: ${why}`,
  );
}
