import type { Node, Site } from './site.ts';

/** A script that has not settled after so many rounds never will. */
const roundsMax = 10_000;

/** Round after round for the given members: Readies, messages, writes, applications, until nothing is left to do. */
export function stabilize(site: Site, nodes: readonly Node[]): void {
  for (let round = 0; round < roundsMax; round++) {
    const steps = [handleReadies, deliverAll, writeAll, applyAll].map((step) => step(site, nodes));
    if (!steps.includes(true)) return;
  }
  throw new Error(`not settled after ${roundsMax} rounds`);
}

type Round = (site: Site, nodes: readonly Node[]) => boolean;

function under(site: Site, node: Node, heading: string, act: () => void): true {
  site.output.write(`> ${node.id} ${heading}\n`);
  act();
  return true;
}

const handleReadies: Round = (site, nodes) => {
  let busy = false;
  for (const node of nodes) {
    if (!node.member.hasReady) continue;
    busy = under(site, node, 'handling Ready', () => site.output.indented(() => site.processReady(node)));
  }
  return busy;
};

const deliverAll: Round = (site, nodes) => {
  let busy = false;
  for (const node of nodes) {
    const messages = site.takeMessages(node.id, { drop: false, type: null });
    if (messages.length === 0) continue;
    busy = under(site, node, 'receiving messages', () => site.output.indented(() => site.deliver(messages)));
  }
  return busy;
};

const writeAll: Round = (site, nodes) => {
  let busy = false;
  for (const node of nodes) {
    if (node.appendWork.length === 0) continue;
    busy = under(site, node, 'processing append thread', () => {
      while (node.appendWork.length > 0) site.output.indented(() => site.processAppend(node));
    });
  }
  return busy;
};

const applyAll: Round = (site, nodes) => {
  let busy = false;
  for (const node of nodes) {
    if (node.applyWork.length === 0) continue;
    busy = under(site, node, 'processing apply thread', () => {
      while (node.applyWork.length > 0) site.output.indented(() => site.processApply(node));
    });
  }
  return busy;
};
