import type { Claim } from '#agent/mesh/swim/claim.ts';
import type { MemberView, SwimEffect, SwimNote } from '#agent/mesh/swim/effect.ts';
import type { Message } from '#agent/mesh/swim/message.ts';
import type { MemberState } from '#agent/mesh/swim/claim.ts';

/** What happens at an agent, in words; null for what no reader needs. Messages are told elsewhere. */
export function tell(effect: SwimEffect): string | null {
  switch (effect.kind) {
    case 'member':
      return tellMember(effect.member, effect.before);
    case 'forgotten':
      return `forgets ${effect.agent}, ${effect.state}`;
    case 'persist':
      return `reserves incarnations up to ${effect.incarnationCeiling} on disk`;
    case 'departed':
      return 'has said goodbye and departs';
    case 'note':
      return tellNote(effect.note);
    default:
      return null;
  }
}

function tellMember(member: MemberView, before: MemberState | null): string {
  const { agent, state, incarnation } = member;
  const now = `${agent} ${state} @${incarnation}`;
  const flapping = member.isFlapping ? ', flapping' : '';
  if (before === null) return `learns of ${now}${flapping}`;
  return before === state ? `holds ${now}${flapping}` : `holds ${now}, was ${before}${flapping}`;
}

function tellNote(note: SwimNote): string {
  switch (note.what) {
    case 'refuted':
      return `refutes "${note.accusedAs}" and speaks as @${note.incarnation}`;
    case 'id-in-use':
      return `hears of its own @${note.incarnation}, which it never spoke`;
    case 'paused':
      return `finds that it stood still for ${seconds(note.spanMs, 1)}`;
    case 'probe-failed': {
      const missing =
        note.missingNacks === 0 ? '' : `, and ${note.missingNacks} helpers did not answer either`;
      return `got no answer from ${note.agent}${missing}`;
    }
    case 'not-admitted':
      return `does not let ${note.agent} in: it speaks and does not answer`;
    default:
      return note.what;
  }
}

/** `c suspect @1 by a+b`. */
export function tellClaim({ agent, state, incarnation, accusers }: Claim): string {
  const by = accusers.map((accuser) => `${accuser.agent}${accuser.refused ? ' (refused)' : ''}`).join('+');
  return `${agent} ${state} @${incarnation}${by === '' ? '' : ` by ${by}`}`;
}

export function tellMessage(message: Message): string {
  const claims = message.claims.map(tellClaim).join(', ');
  const what =
    message.kind === 'ping-request'
      ? `ping-request for ${message.target}`
      : message.kind === 'state' && message.answer
        ? 'state, and asks for more'
        : message.kind;
  return claims === '' ? what : `${what}: ${claims}`;
}

export const seconds = (ms: number, digits = 3): string => `${(ms / 1000).toFixed(digits)} s`;
