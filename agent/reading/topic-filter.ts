import { topicBytesLimit } from './limits.ts';

/** MQTT 5 §4.7 and §4.8.2: topic names, topic filters, shared subscriptions. Problems are told in one line, null means valid. */

/** What is wrong with a topic name, or null. */
export function topicProblem(topic: string): string | null {
  const problem = textProblem(topic, 'a topic');
  if (problem !== null) return problem;
  if (topic.includes('+') || topic.includes('#')) return 'a topic to publish to holds no + or #';
  return null;
}

/** What is wrong with a topic filter, or null. `$share/group/filter` is accepted. */
export function filterProblem(filter: string): string | null {
  const problem = textProblem(filter, 'a topic filter');
  if (problem !== null) return problem;
  if (filter.startsWith('$share/')) return sharedProblem(filter);
  return wildcardProblem(filter);
}

export interface SharedFilter {
  readonly group: string;
  readonly filter: string;
}

/** The parts of `$share/group/filter`; null when the filter is not shared or not valid. */
export function parseShared(filter: string): SharedFilter | null {
  if (!filter.startsWith('$share/') || sharedProblem(filter) !== null) return null;
  const slash = filter.indexOf('/', 7);
  return { group: filter.slice(7, slash), filter: filter.slice(slash + 1) };
}

/** Whether a valid filter takes a valid topic. A shared subscription takes what its filter takes. */
export function matchesFilter(filter: string, topic: string): boolean {
  const own = parseShared(filter)?.filter ?? filter;
  if (topic.startsWith('$') && startsWithWildcard(own)) return false;
  const parts = own.split('/');
  const levels = topic.split('/', parts.length + 1);
  for (const [i, part] of parts.entries()) {
    if (part === '#') return true;
    if (i >= levels.length) return false;
    if (part !== '+' && part !== levels[i]) return false;
  }
  return levels.length === parts.length;
}

/** Whether some topic is taken by both filters. */
export function filtersOverlap(one: string, other: string): boolean {
  const a = parseShared(one)?.filter ?? one;
  const b = parseShared(other)?.filter ?? other;
  if ((a.startsWith('$') && startsWithWildcard(b)) || (b.startsWith('$') && startsWithWildcard(a)))
    return false;
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; ; i++) {
    const l = left[i];
    const r = right[i];
    // `a/#` also takes `a`, so a tail overlaps whatever has come this far.
    if (l === '#' || r === '#') return true;
    if (l === undefined || r === undefined) return l === r;
    if (l !== '+' && r !== '+' && l !== r) return false;
  }
}

/** Whether every topic that `inner` takes is also taken by `outer`. */
export function filterCovers(outer: string, inner: string): boolean {
  const a = parseShared(outer)?.filter ?? outer;
  const b = parseShared(inner)?.filter ?? inner;
  if (b.startsWith('$') && startsWithWildcard(a)) return false;
  const wide = a.split('/');
  const narrow = b.split('/');
  for (let i = 0; ; i++) {
    const w = wide[i];
    const n = narrow[i];
    if (w === '#') return true;
    if (w === undefined || n === undefined) return w === n;
    if (n === '#') return false;
    if (w !== '+' && w !== n) return false;
  }
}

function startsWithWildcard(filter: string): boolean {
  return filter.startsWith('+') || filter.startsWith('#');
}

function textProblem(text: string, what: string): string | null {
  if (text === '') return `${what} has at least one character`;
  if (text.includes('\0')) return `${what} holds no NUL character`;
  if (!text.isWellFormed()) return `${what} is valid Unicode`;
  // A UTF-16 unit takes at most three bytes, so short texts need no counting.
  if (text.length * 3 > topicBytesLimit && utf8Length(text) > topicBytesLimit) {
    return `${what} has at most ${topicBytesLimit} bytes`;
  }
  return null;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function sharedProblem(filter: string): string | null {
  const slash = filter.indexOf('/', 7);
  const group = slash === -1 ? filter.slice(7) : filter.slice(7, slash);
  if (group === '') return '$share needs a group name: $share/group/filter';
  if (group.includes('+') || group.includes('#')) return 'the group of a shared subscription holds no + or #';
  if (slash === -1 || slash === filter.length - 1)
    return '$share needs a filter after its group: $share/group/filter';
  return wildcardProblem(filter.slice(slash + 1));
}

function wildcardProblem(filter: string): string | null {
  const parts = filter.split('/');
  for (const [i, part] of parts.entries()) {
    if (part.includes('#') && (part !== '#' || i !== parts.length - 1)) {
      return '# stands alone in the last level of a filter';
    }
    if (part.includes('+') && part !== '+') return '+ stands alone in its level of a filter';
  }
  return null;
}
