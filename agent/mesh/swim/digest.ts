import type { AgentId } from './agent-id.ts';
import type { Claim } from './claim.ts';
import { limits } from './limits.ts';

/** Where an agent's claim is counted, the same on every agent of the site. */
export const cellOf = (agent: AgentId): number => textHash(agent) % limits.digestCells;

/** One hash a cell, independent of the order of the claims. Accusers and ages are left out: they differ by nature. */
export function digestOf(claims: Iterable<Claim>): number[] {
  const cells = Array.from({ length: limits.digestCells }, () => 0);
  for (const claim of claims) {
    const cell = cellOf(claim.agent);
    cells[cell] = (cells[cell]! ^ claimHash(claim)) >>> 0;
  }
  return cells;
}

/** Bit i is set where cell i differs. */
export function differingCells(a: readonly number[], b: readonly number[]): number {
  let mask = 0;
  for (let i = 0; i < limits.digestCells; i++) if (a[i] !== b[i]) mask |= 1 << i;
  return mask >>> 0;
}

export const hasCell = (mask: number, cell: number): boolean => ((mask >>> cell) & 1) === 1;

function claimHash(claim: Claim): number {
  let hash = textHash(claim.agent);
  hash = mix(hash ^ (claim.incarnation >>> 0));
  hash = mix(hash ^ Math.floor(claim.incarnation / 2 ** 32));
  hash = mix(hash ^ stateCodes[claim.state]);
  return mix(hash ^ (claim.details === null ? 1 : 2));
}

const stateCodes = { alive: 11, suspect: 23, unreachable: 37, left: 53, removed: 71 } as const;

/** FNV-1a over UTF-16 units, then finished, because ids differ in their last digit. */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/**
 * The finisher of MurmurHash3. It stands once more in `pipeline/signal/reading-hash.ts`: members compare these numbers over the wire, the
 * other's never leave memory, so the two may not change together.
 */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
