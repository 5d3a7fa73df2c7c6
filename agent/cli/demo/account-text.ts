import { formatCount } from '../../base/words.ts';
import type { SiteFigures } from './demo-site.ts';

/** The last line of a demo: what was promised, and what arrived. */
export function accountText({ acknowledged, delivered, missing, repeated, status }: SiteFigures): string {
  const balance = status === null ? 'unknown' : status.ledger.balanced ? 'balanced' : 'NOT balanced';
  return `${formatCount(acknowledged)} readings acknowledged, ${formatCount(delivered)} delivered, ${formatCount(missing)} lost, ${formatCount(repeated)} twice; ledger ${balance}`;
}
