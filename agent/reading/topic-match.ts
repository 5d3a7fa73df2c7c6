import { assert } from '../base/assert.ts';
import type { Tags } from './batch.ts';
import { cachedTopicLengthLimit, topicCacheLimit } from './limits.ts';
import { RecentMap } from './recent-map.ts';
import { tagsOf, TagTable } from './tag-table.ts';
import { filterProblem } from './topic-filter.ts';

/** What is wrong with a stream's `match`, or null. `{name}` stands for one level and names a tag; `+` and `#` work as in MQTT. */
export function patternProblem(pattern: string): string | null {
  const problem = filterProblem(patternFilter(pattern));
  if (problem !== null) return problem;
  if (pattern.startsWith('$share/')) return 'a match has no $share; the subscription of the source has';
  const names = new Set<string>();
  for (const part of pattern.split('/')) {
    if (!part.includes('{') && !part.includes('}')) continue;
    const name = tagName(part);
    if (name === null)
      return `{name} is a whole level of letters, digits, _ and -, not ${JSON.stringify(part)}`;
    if (names.has(name)) return `{${name}} occurs twice`;
    names.add(name);
  }
  return null;
}

/** The plain MQTT filter that takes the same topics. */
export function patternFilter(pattern: string): string {
  return pattern
    .split('/')
    .map((part) => (tagName(part) === null ? part : '+'))
    .join('/');
}

/** Where a message goes: a stream, and the tags its topic gives. `tags` is the same object for equal tags. */
export interface Route<Stream = string> {
  readonly stream: Stream;
  readonly tags: Tags;
}

export interface RoutedStream<Stream> {
  readonly stream: Stream;
  /** Patterns without {@link patternProblem}; a stream takes a message once, by the first that fits. */
  readonly match: string | readonly string[];
}

/** From topic to streams. Compiled once; a topic seen lately costs one map lookup. */
export class TopicRouter<Stream = string> {
  readonly #streams: readonly { stream: Stream; patterns: readonly Pattern[] }[];
  readonly #levelsMax: number;
  readonly #tags: TagTable;
  readonly #cache: RecentMap<string, readonly Route<Stream>[]>;

  constructor(
    streams: readonly RoutedStream<Stream>[],
    options: { tags?: TagTable; cacheLimit?: number } = {},
  ) {
    this.#streams = streams.map(({ stream, match }) => ({
      stream,
      patterns: (typeof match === 'string' ? [match] : match).map(compile),
    }));
    const lengths = this.#streams.flatMap(({ patterns }) => patterns.map((pattern) => pattern.parts.length));
    this.#levelsMax = Math.max(0, ...lengths);
    this.#tags = options.tags ?? new TagTable();
    this.#cache = new RecentMap(options.cacheLimit ?? topicCacheLimit);
  }

  /** Every stream that takes the topic, in the order they were given. */
  route(topic: string): readonly Route<Stream>[] {
    const known = this.#cache.get(topic);
    if (known !== undefined) return known;
    const routes = this.#match(topic);
    if (topic.length <= cachedTopicLengthLimit) this.#cache.set(topic, routes);
    return routes;
  }

  #match(topic: string): readonly Route<Stream>[] {
    // One level more than any pattern has is enough to know that the topic is longer.
    const levels = topic.split('/', this.#levelsMax + 1);
    const routes: Route<Stream>[] = [];
    for (const { stream, patterns } of this.#streams) {
      const pattern = patterns.find((one) => fits(one, levels));
      if (pattern === undefined) continue;
      const tags = tagsOf(pattern.names.map(([name, level]) => [name, levels[level]!] as const));
      // Nothing remembers what an oversized topic says.
      const small = topic.length <= cachedTopicLengthLimit;
      routes.push({ stream, tags: small ? this.#tags.intern(tags) : tags });
    }
    return routes;
  }
}

interface Pattern {
  /** Null takes any one level. */
  readonly parts: readonly (string | null)[];
  /** Ends in `#`: any number of levels may follow, also none. */
  readonly open: boolean;
  /** A wildcard first: takes no topic that begins with `$`. */
  readonly wildFirst: boolean;
  /** Tag name and the level it is read from. */
  readonly names: readonly (readonly [string, number])[];
}

function compile(pattern: string): Pattern {
  assert(patternProblem(pattern) === null, `match ${pattern} was checked`);
  const levels = pattern.split('/');
  const open = levels.at(-1) === '#';
  if (open) levels.pop();
  const names: [string, number][] = [];
  const parts = levels.map((level, i) => {
    const name = tagName(level);
    if (name !== null) names.push([name, i]);
    return name !== null || level === '+' ? null : level;
  });
  return { parts, open, wildFirst: parts.length === 0 || parts[0] === null, names };
}

function fits(pattern: Pattern, levels: readonly string[]): boolean {
  const { parts } = pattern;
  if (pattern.open ? levels.length < parts.length : levels.length !== parts.length) return false;
  if (pattern.wildFirst && levels[0]!.startsWith('$')) return false;
  return parts.every((part, i) => part === null || part === levels[i]);
}

function tagName(part: string): string | null {
  return /^\{([A-Za-z0-9_-]{1,64})\}$/.exec(part)?.[1] ?? null;
}
