import type { PeerId } from '#agent/mesh/raft/peer-id.ts';
import type { Ready } from '#agent/mesh/raft/ready.ts';
import { describeEntry, describeHardState, roleNames } from '#test/conformance/mesh/raft/describe.ts';
import type { Node, Site } from '#test/conformance/mesh/raft/interaction/site.ts';

/** A story that has not settled after so many rounds never will. */
const roundsMax = 1_000;

/**
 * As etcd-io/raft's `stabilize`, told shorter: what each member becomes, writes and applies, and each message once, when it arrives.
 */
export function settle(site: Site, ids: readonly PeerId[]): void {
  for (let round = 0; round < roundsMax; round++) {
    const rounds = [handleReadies, deliverAll, carryOutAll].map((step) => step(site, ids));
    if (!rounds.includes(true)) return;
  }
  throw new Error(`not settled after ${roundsMax} rounds`);
}

const nodesOf = (site: Site, ids: readonly PeerId[]): Node[] => ids.map((id) => site.nodes[id - 1]!);

function handleReadies(site: Site, ids: readonly PeerId[]): boolean {
  const busy = nodesOf(site, ids).filter((node) => node.member.hasReady);
  for (const node of busy) {
    const ready = silently(site, () => site.processReady(node));
    for (const line of linesOf(ready)) site.output.write(`${node.id} ${line}\n`);
  }
  return busy.length > 0;
}

function linesOf({ softState, hardState, entries, snapshot, committed, readStates }: Ready): string[] {
  const lines: string[] = [];
  const list = entries.map(describeEntry).join(', ');
  if (softState !== null)
    lines.push(`becomes ${roleNames[softState.role]}, leader ${softState.lead || 'unknown'}`);
  if (snapshot !== null) lines.push(`writes a snapshot up to ${snapshot.id.term}/${snapshot.id.index}`);
  if (hardState !== null) lines.push(`writes ${describeHardState(hardState)}${list && `; ${list}`}`);
  else if (list !== '') lines.push(`writes ${list}`);
  if (committed.length > 0) lines.push(`applies ${committed.map(describeEntry).join(', ')}`);
  for (const { index, context } of readStates)
    lines.push(`may serve read ${new TextDecoder().decode(context)} once ${index} is applied`);
  return lines;
}

/** Messages of one kind that say the same are told once, with their number. */
function deliverAll(site: Site, ids: readonly PeerId[]): boolean {
  let busy = false;
  for (const id of ids) {
    const messages = site.takeMessages(id, { drop: false, type: null });
    busy ||= messages.length > 0;
    const before = site.output.text;
    site.output.clear();
    site.deliver(messages);
    const lines = site.output.text.split('\n').slice(0, -1);
    site.output.clear();
    site.output.write(before);
    for (let at = 0, next; at < lines.length; at = next) {
      next = at + 1;
      while (lines[next] === lines[at]) next++;
      site.output.write(`${lines[at]}${next - at > 1 ? ` (${next - at} times)` : ''}\n`);
    }
  }
  return busy;
}

function carryOutAll(site: Site, ids: readonly PeerId[]): boolean {
  let busy = false;
  for (const node of nodesOf(site, ids)) {
    const orders = [...node.appendWork, ...node.applyWork];
    busy ||= orders.length > 0;
    silently(site, () => {
      while (node.appendWork.length > 0) site.processAppend(node);
      while (node.applyWork.length > 0) site.processApply(node);
    });
  }
  return busy;
}

function silently<Result>(site: Site, act: () => Result): Result {
  const before = site.output.level;
  site.output.level = 'NONE';
  const result = act();
  site.output.level = before;
  return result;
}
