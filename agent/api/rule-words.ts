import { counted, formatCount } from '../base/words.ts';
import type { RuleCountJson } from './contract.ts';

/** What the rules of the ledger say, by their name there. Stages are named as taps name them, `0:keep`. */
const wordsOf: Readonly<Record<string, string>> = {
  undecodable: 'undecodable',
  unrouted: 'taken by no stream',
  oversize: 'too large to be stored',
  drop_oldest: 'dropped to make room',
  purged: 'purged',
  damaged: 'lost in damaged blocks',
};

/** Rules told of one stream: further ones are told together. */
const rulesShown = 6;
/** UTF-16 units of a rule's name; ours are shorter. */
const ruleChars = 40;

/** `1,000 by stage 0:keep, 3 undecodable, 7 dropped to make room`, most first; '' when there are none. */
export function ruleWords(counts: readonly RuleCountJson[]): string {
  const sorted = counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  const words = sorted.slice(0, rulesShown).map(({ rule, count }) => {
    return `${formatCount(count)} ${wordsFor(rule)}`;
  });
  const rest = sorted.slice(rulesShown).reduce((sum, { count }) => sum + count, 0);
  if (rest > 0) words.push(`${formatCount(rest)} by ${counted(sorted.length - rulesShown, 'other rule')}`);
  return words.join(', ');
}

function wordsFor(rule: string): string {
  if (Object.hasOwn(wordsOf, rule)) return wordsOf[rule]!;
  const shown = rule.slice(0, ruleChars);
  return /^\d+:/.test(rule) ? `by stage ${shown}` : shown.replace(/^refused:/, 'refused by uplink ');
}
