import type { ChangeAction, ChangeStep } from '#agent/mesh/raft/membership/change.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';

const actions: Readonly<Record<string, ChangeAction>> = {
  v: 'add-voter',
  l: 'add-learner',
  r: 'remove',
  u: 'update',
};

/** `v1 l2 r3 u4`: the steps, or what is wrong with them. */
export function parseSteps(text: string): ChangeStep[] | string {
  const steps: ChangeStep[] = [];
  if (text.trim() === '') return steps;
  for (const token of text.trim().split(' ')) {
    if (token.length < 2) return `unknown token ${token}`;
    const action = actions[token[0]!];
    if (action === undefined) return `unknown input: ${token}`;
    const digits = token.slice(1);
    if (!/^\d+$/.test(digits)) return `strconv.ParseUint: parsing ${JSON.stringify(digits)}: invalid syntax`;
    steps.push({ action, peer: peerId(Number(digits)) });
  }
  return steps;
}
