/** What a running agent does about a part. */
export interface ReloadAction {
  readonly part: 'source' | 'stream' | 'uplink' | 'buffer' | 'api' | 'log' | 'agent';
  /** Of the source, stream or uplink; the part's own name otherwise. */
  readonly name: string;
  readonly action: 'start' | 'stop' | 'restart' | 'update' | 'needs_restart';
  /** Streams only: positions of stages, in the new list, whose state carries over because nothing changed up to them. */
  readonly stagesKept?: readonly number[];
}

/** One key that differs, and what follows from it. */
export interface ReloadStep {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** As in the file, in one line; null where there is none. */
  readonly before: string | null;
  readonly after: string | null;
  /** In words. */
  readonly effect: string;
  /** Null when nothing running is concerned. */
  readonly action: ReloadAction | null;
}

/** One action a part, the strongest that any step asks for. */
export function reloadActions(steps: readonly ReloadStep[]): readonly ReloadAction[] {
  const strength = { update: 0, restart: 1, start: 2, stop: 2, needs_restart: 3 } as const;
  const actions = new Map<string, ReloadAction>();
  for (const { action } of steps) {
    if (action === null) continue;
    const key = `${action.part} ${action.name}`;
    const earlier = actions.get(key);
    if (earlier === undefined || strength[action.action] > strength[earlier.action]) actions.set(key, action);
  }
  return [...actions.values()];
}

/** A part that an earlier reload could not start, and why: it does not run although the configuration in force has it. */
export interface UnstartedPart {
  readonly part: ReloadAction['part'];
  readonly name: string;
  readonly reason: string;
}

/** What the next reload does besides: parts that do not run are tried again, whether their keys differ or not. */
export function unstartedSteps(
  steps: readonly ReloadStep[],
  unstarted: readonly UnstartedPart[],
): readonly ReloadStep[] {
  const told = (one: UnstartedPart): boolean =>
    steps.some(({ action }) => action?.part === one.part && action.name === one.name);
  return unstarted
    .filter((one) => !told(one))
    .map(({ part, name, reason }) => ({
      path: part === name ? part : `${part}s.${name}`,
      kind: 'changed',
      before: 'does not run',
      after: 'as configured',
      effect: `try to start ${part === name ? `the ${part}` : `${part} ${name}`} again, which failed: ${reason}`,
      action: { part, name, action: 'restart' },
    }));
}

/** The same, with parts that an earlier reload could not start: what is not told anything else is started again. */
export function withRetries(
  actions: readonly ReloadAction[],
  unstarted: readonly ReloadAction[],
): readonly ReloadAction[] {
  const told = (part: ReloadAction): boolean =>
    actions.some(({ part: kind, name }) => kind === part.part && name === part.name);
  const retries = unstarted.filter((part) => !told(part));
  return [...actions, ...retries.map((part): ReloadAction => ({ ...part, action: 'restart' }))];
}
