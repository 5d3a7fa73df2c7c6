import type { Telemetry } from '../ports/telemetry.ts';
import { unreachable } from '../base/assert.ts';
import type { StageNote } from './stage.ts';
import type { Restored } from './state-log.ts';

/** Reports what stages noted. The pipeline itself is pure and returns notes; its caller passes them here. */
export function reportNotes(telemetry: Telemetry, stream: string, notes: readonly StageNote[]): void {
  for (const note of notes) {
    switch (note.kind) {
      case 'series_evicted':
        seriesEvicted(telemetry, { stream, rule: note.rule, count: note.count });
        break;
      case 'late_readings':
        // Lateness is the way of many networks: counted, not logged.
        telemetry.count('pipeline_late_readings', { stream, rule: note.rule }, note.count);
        break;
      case 'entries_evicted':
        entriesEvicted(telemetry, { stream, rule: note.rule, count: note.count });
        break;
      case 'cut_short':
        cutShort(telemetry, { stream, rule: note.rule, count: note.count });
        break;
      case 'alarms':
        alarmsTold(telemetry, {
          stream,
          rule: note.rule,
          name: note.name,
          raised: note.raised,
          count: note.count,
        });
        break;
      case 'expression_failed':
        expressionFailed(telemetry, { stream, rule: note.rule, count: note.count, sample: note.sample });
        break;
      default:
        unreachable(note, 'stage note');
    }
  }
}

/** After a start that found saved state. Filters begin anew after a crash; that is told, but asks nobody to act. */
export function stateRestored(telemetry: Telemetry, stream: string, { restored, empty }: Restored): void {
  if (restored.length + empty.length === 0) return;
  const list = (rules: readonly string[]): string => (rules.length === 0 ? 'none' : rules.join(', '));
  telemetry.log(
    'info',
    'pipeline.state_restored',
    `stream ${stream}: stages that go on: ${list(restored)}; that begin anew: ${list(empty)}`,
    { stream, restored: restored.join(' '), empty: empty.join(' ') },
  );
}

/** Stages were changed or taken out while the agent was away, and what they held can not be given out. */
export function statesNotGivenOut(telemetry: Telemetry, stream: string, kinds: readonly string[]): void {
  telemetry.count('pipeline_states_lost', { stream }, kinds.length);
  telemetry.log(
    'warning',
    'pipeline.states_not_given_out',
    `stream ${stream}: what ${kinds.join(', ')} held before the config was changed is in a form that is not read any more; it is lost`,
    { stream, stages: kinds.join(' ') },
  );
}

export function stateLeftOut(telemetry: Telemetry, stream: string, rules: readonly string[]): void {
  telemetry.count('pipeline_states_left_out', { stream }, rules.length);
  telemetry.log(
    'warning',
    'pipeline.state_left_out',
    `stream ${stream}: the buffer is too small for the state of ${rules.join(', ')}; after a restart they begin anew`,
    { stream, rules: rules.join(' ') },
  );
}

function seriesEvicted(telemetry: Telemetry, event: { stream: string; rule: string; count: number }): void {
  const { stream, rule, count } = event;
  telemetry.count('pipeline_series_evicted', { stream, rule }, count);
  telemetry.log(
    'warning',
    'pipeline.series_evicted',
    `stream ${stream}, stage ${rule}: more series than max_series; forgot the ${count} unheard for longest`,
    event,
  );
}

function entriesEvicted(telemetry: Telemetry, event: { stream: string; rule: string; count: number }): void {
  const { stream, rule, count } = event;
  telemetry.count('pipeline_entries_evicted', { stream, rule }, count);
  telemetry.log(
    'warning',
    'pipeline.entries_evicted',
    `stream ${stream}, stage ${rule}: more readings within its span than max_entries; forgot the ${count} oldest`,
    event,
  );
}

function cutShort(telemetry: Telemetry, event: { stream: string; rule: string; count: number }): void {
  const { stream, rule, count } = event;
  telemetry.count('pipeline_windows_cut_short', { stream, rule }, count);
  telemetry.log(
    'notice',
    'pipeline.windows_cut_short',
    `stream ${stream}, stage ${rule}: changed or taken out; its ${count} open windows were given out as they stood, those before their end with window.partial`,
    event,
  );
}

function alarmsTold(
  telemetry: Telemetry,
  event: { stream: string; rule: string; name: string; raised: number; count: number },
): void {
  const { stream, rule, name, raised, count } = event;
  if (raised > 0) telemetry.count('pipeline_alarms', { stream, rule, state: 'raised' }, raised);
  if (count > raised) telemetry.count('pipeline_alarms', { stream, rule, state: 'cleared' }, count - raised);
  telemetry.log(
    raised > 0 ? 'warning' : 'info',
    'pipeline.alarms',
    `stream ${stream}, alarm ${name}: ${raised} raised, ${count - raised} cleared`,
    event,
  );
}

function expressionFailed(
  telemetry: Telemetry,
  event: { stream: string; rule: string; count: number; sample: string },
): void {
  const { stream, rule, count, sample } = event;
  telemetry.count('pipeline_expression_failures', { stream, rule }, count);
  telemetry.log(
    'warning',
    'pipeline.expression_failed',
    `stream ${stream}, stage ${rule}: no answer for ${count} readings, kept out: ${sample}`,
    event,
  );
}
