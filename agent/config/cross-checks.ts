import { decodeProblem } from '../reading/decode/options.ts';
import { readTime } from '../reading/event-time.ts';
import { filtersOverlap } from '../reading/topic-filter.ts';
import { patternFilter } from '../reading/topic-match.ts';
import { checkDerivations, derivations } from './derived-streams.ts';
import { meantWord } from './meant.ts';
import { checkBufferSize, checkPayloads } from './payload-checks.ts';
import { quote, type ProblemParts } from './problem.ts';
import { collides, isLoopback } from './reach.ts';
import type { Config, SourceConfig, StreamConfig, UplinkConfig } from './schema/config.ts';
import type { Listen } from './schema/leaf.ts';
import { globMatcher } from './stream-glob.ts';
import type { Path } from './source-tree.ts';
import { checkStages, unknownName } from './stage-cross-checks.ts';

export interface Findings {
  error(path: Path, message: string, more?: Partial<ProblemParts>): void;
  warning(path: Path, message: string, more?: Partial<ProblemParts>): void;
  /** False for defaults. */
  written(path: Path): boolean;
}

export interface CheckedNames {
  /** All that the files name, those with faults of their own too. */
  readonly sources: readonly string[];
  readonly streams: readonly string[];
}

/** Null when the expression is right, else what is wrong with it in one line. */
export type CheckExpression = (text: string) => string | null;

/** Builds the stages of one stream and says what is wrong with them; `path` continues from the stage: `deadband.absolute`. */
export type CheckStages = (
  stages: StreamConfig['stages'],
) => readonly { readonly stage: number; readonly path: string; readonly message: string }[];

/**
 * Index of the first stage for which a stream of this priority, urgent by itself, is not stored apart from the others; null: there is
 * none, or the priority is not urgent. The stages are right.
 */
export type UrgencyHindered = (stream: Pick<StreamConfig, 'priority' | 'stages'>) => number | null;

/** What only the rooms that run a configuration can tell of it. */
export interface RoomChecks {
  readonly checkExpression: CheckExpression;
  readonly checkStages?: CheckStages | undefined;
  readonly urgencyHindered?: UrgencyHindered | undefined;
  /** The least `buffer.size` that stores so many bytes in one commit. */
  readonly bufferFor?: ((bytes: number) => number) | undefined;
}

/** What no single key can know: whether the parts fit each other. */
export function crossCheck(
  config: Config,
  names: CheckedNames,
  checks: RoomChecks,
  findings: Findings,
): void {
  for (const [name, source] of Object.entries(config.sources)) checkSource(name, source, findings);
  const derived = new Set(derivations(config).map(({ to }) => to));
  const streams = [...new Set([...names.streams, ...derived])];
  for (const [name, stream] of Object.entries(config.streams)) {
    checkStream(name, stream, { config, names, derived }, findings);
    checkStages(name, stream, { config, checks, streams }, findings);
  }
  for (const [name, uplink] of Object.entries(config.uplinks))
    checkUplink(name, uplink, { ...names, streams }, findings);
  checkDerivations(config, findings);
  checkPayloads(config, findings);
  checkBufferSize(config, checks.bufferFor, findings);
  checkApi(config, findings);
  checkListeners(config, findings);
  checkSessions(config, findings);
  checkUse(config, names, findings);
  checkCases(config, names, findings);
}

function checkSource(name: string, source: SourceConfig, findings: Findings): void {
  const path = ['sources', name];
  switch (source.type) {
    case 'mqtt':
      checkConnection(path, source, findings);
      if (source.clean && source.qos > 0) {
        findings.warning(
          [...path, 'clean'],
          'throws the session away: messages sent while the agent is down are lost',
        );
      }
      return;
    case 'broker':
      checkBroker(path, source, findings);
      return;
    case 'http':
      if (source.token === undefined && !isLoopback(source.listen)) {
        findings.error(
          [...path, 'listen'],
          'can be reached from other hosts, so `token: { secret: NAME }` is required',
          {
            expected: '127.0.0.1, or a token',
          },
        );
      }
      return;
    case 'replay':
  }
}

type BrokerConfig = SourceConfig & { type: 'broker' };

function checkBroker(path: Path, source: BrokerConfig, findings: Findings): void {
  const seen = new Set<string>();
  for (const [index, user] of source.users.entries()) {
    if (seen.has(user.name))
      findings.error([...path, 'users', index, 'name'], `the user ${quote(user.name)} is there twice`);
    seen.add(user.name);
  }
  if (source.anonymous === false && source.users.length === 0) {
    findings.error([...path, 'anonymous'], 'nobody could connect: add `users`, or allow anonymous clients');
  }
  const reachable = [source.listen, source.websocket].some(
    (listen) => listen !== undefined && !isLoopback(listen),
  );
  const explicit = findings.written([...path, 'anonymous']);
  if (!explicit && source.users.length === 0 && reachable) {
    findings.warning(
      [...path, 'listen'],
      'any host that reaches it may publish: add `users`, or say `anonymous: true` if that is meant',
    );
  }
}

/** What MQTT sources and uplinks that connect somewhere have in common. */
interface Connection {
  readonly url: string;
  readonly tls?:
    | { readonly cert?: string | undefined; readonly key?: unknown; readonly insecure_skip_verify: boolean }
    | undefined;
  readonly backoff: { readonly min: number; readonly max: number };
  readonly version?: string;
  readonly username?: string | undefined;
  readonly password?: unknown;
}

function checkConnection(path: Path, connection: Connection, findings: Findings): void {
  const scheme = connection.url.slice(0, connection.url.indexOf(':')).toLowerCase();
  const { tls } = connection;
  if (tls !== undefined && !['mqtts', 'wss', 'https'].includes(scheme)) {
    const secure = { mqtt: 'mqtts', ws: 'wss', http: 'https' }[scheme] ?? 'mqtts';
    findings.error(
      [...path, 'tls'],
      `has no effect with ${scheme}://; use ${secure}:// in \`url\`, or remove it`,
      {
        expected: `a url that begins with ${secure}://`,
      },
    );
  }
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined)) {
    const [there, other] = tls.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    findings.error([...path, 'tls', there], `needs \`${other}\` beside it`);
  }
  if (tls?.insecure_skip_verify === true) {
    findings.warning(
      [...path, 'tls', 'insecure_skip_verify'],
      'anybody on the way can read and forge what is sent',
    );
  }
  if (connection.backoff.min > connection.backoff.max) {
    findings.error([...path, 'backoff', 'min'], 'is longer than `max`');
  }
  if (
    connection.version === '3.1.1' &&
    connection.password !== undefined &&
    connection.username === undefined
  ) {
    findings.error([...path, 'password'], 'needs `username` beside it: MQTT 3.1.1 sends no password alone');
  }
}

function checkStream(
  name: string,
  stream: StreamConfig,
  {
    config,
    names,
    derived,
  }: { readonly config: Config; readonly names: CheckedNames; readonly derived: ReadonlySet<string> },
  findings: Findings,
): void {
  const path = ['streams', name];
  if (name.startsWith('_'))
    findings.error(path, 'names that begin with _ are kept for streams of sedge itself');
  if (stream.from.length === 0 && !derived.has(name)) {
    findings.warning(path, `takes messages from no source; only POST /v1/ingest/${name} feeds it`);
  }
  const decode = decodeProblem(stream.decode);
  if (decode !== null) findings.error([...path, 'decode', decode.key], decode.problem);
  const filters = (typeof stream.match === 'string' ? [stream.match] : stream.match).map(patternFilter);
  for (const [index, from] of stream.from.entries()) {
    if (!names.sources.includes(from)) {
      findings.error([...path, 'from', index], unknownName(from, 'source', names.sources), {
        expected: names.sources.join(', '),
        value: from,
        meant: meantWord(from, names.sources),
      });
      continue;
    }
    const source = Object.hasOwn(config.sources, from) ? config.sources[from] : undefined;
    if (source?.type !== 'mqtt') continue;
    const reaches = filters.some((filter) => source.topics.some((topic) => filtersOverlap(filter, topic)));
    if (!reaches)
      findings.warning([...path, 'match'], `takes no topic that source ${quote(from)} subscribes to`);
  }
}

/** Header names whose content is a secret. */
const secretHeader = /^(?:authorization|proxy-authorization|cookie)$|token|api[-_]?key|secret|passw/i;

function checkUplink(name: string, uplink: UplinkConfig, names: CheckedNames, findings: Findings): void {
  const path = ['uplinks', name];
  if (uplink.type === 'file') {
    if (uplink.backoff.min > uplink.backoff.max)
      findings.error([...path, 'backoff', 'min'], 'is longer than `max`');
  } else {
    checkConnection(path, uplink, findings);
  }
  if (uplink.type === 'http') {
    for (const [header, value] of Object.entries(uplink.headers)) {
      if (typeof value === 'string' && secretHeader.test(header)) {
        findings.error([...path, 'headers', header], 'holds a secret: write { secret: NAME }', {
          expected: '{ secret: NAME }',
        });
      }
    }
  }
  for (const [index, pattern] of uplink.streams.entries()) {
    const where = [...path, 'streams', index];
    if (/[*?]/.test(pattern)) {
      const matches = globMatcher(pattern);
      const takes = names.streams.some(matches) || pattern.startsWith('_') || pattern === '*';
      if (!takes) findings.warning(where, `${quote(pattern)} takes no stream`);
    } else if (!names.streams.includes(pattern) && !pattern.startsWith('_')) {
      findings.error(where, unknownName(pattern, 'stream', names.streams), {
        expected: names.streams.join(', '),
        value: pattern,
        meant: meantWord(pattern, names.streams),
      });
    }
  }
}

function checkApi(config: Config, findings: Findings): void {
  if (config.api.token === undefined && !isLoopback(config.api.listen)) {
    findings.error(
      ['api', 'listen'],
      'can be reached from other hosts, so `token: { secret: NAME }` is required',
      {
        expected: '127.0.0.1, or a token',
      },
    );
  }
}

function checkListeners(config: Config, findings: Findings): void {
  const listeners: { listen: Listen; path: Path }[] = [];
  for (const [name, source] of Object.entries(config.sources)) {
    if (source.type !== 'broker' && source.type !== 'http') continue;
    listeners.push({ listen: source.listen, path: ['sources', name, 'listen'] });
    if (source.type === 'broker' && source.websocket !== undefined) {
      listeners.push({ listen: source.websocket, path: ['sources', name, 'websocket'] });
    }
  }
  listeners.push({ listen: config.api.listen, path: ['api', 'listen'] });
  for (const [index, one] of listeners.entries()) {
    const other = listeners.slice(0, index).find((earlier) => collides(earlier.listen, one.listen));
    if (other === undefined) continue;
    // A default has no place of its own in the file; its rival has.
    const [here, there] = findings.written(one.path) ? [one, other] : [other, one];
    findings.error(here.path, `wants port ${one.listen.port}, as ${there.path.join('.')} does`, {
      value: String(one.listen.port),
    });
  }
}

/** Two clients of one id throw each other out of the broker for ever; two writers spoil one file. */
function checkSessions(config: Config, findings: Findings): void {
  const sessions = new Map<string, string>();
  const entries = [
    ...Object.entries(config.sources).map(([name, source]) => ['sources', name, source] as const),
    ...Object.entries(config.uplinks).map(([name, uplink]) => ['uplinks', name, uplink] as const),
  ];
  for (const [section, name, part] of entries) {
    const here = `${section}.${name}`;
    if (part.type === 'mqtt') {
      const session = `${new URL(part.url).host} ${part.client_id}`;
      const other = sessions.get(session);
      if (other !== undefined) {
        findings.error([section, name, 'client_id'], `${other} has the same client id at the same broker`);
      }
      sessions.set(session, here);
    } else if (part.type === 'file') {
      const other = sessions.get(part.path);
      if (other !== undefined) findings.error([section, name, 'path'], `${other} writes the same file`);
      sessions.set(part.path, here);
    }
  }
}

function checkUse(config: Config, names: CheckedNames, findings: Findings): void {
  const used = new Set(Object.values(config.streams).flatMap((stream) => stream.from));
  const complete = Object.keys(config.streams).length === names.streams.length;
  for (const name of Object.keys(config.sources)) {
    if (complete && !used.has(name)) findings.warning(['sources', name], 'no stream takes messages from it');
  }
  const uplinks = Object.values(config.uplinks);
  if (uplinks.length === 0) return;
  for (const name of Object.keys(config.streams)) {
    const taken = uplinks.some((uplink) => uplink.streams.some((pattern) => globMatcher(pattern)(name)));
    if (!taken) findings.warning(['streams', name], 'no uplink takes it; its readings stay in the buffer');
  }
}

function checkCases(config: Config, names: CheckedNames, findings: Findings): void {
  const time = { micros: 0, nanos: 0 };
  const checkTime = (text: string | undefined, path: Path): void => {
    if (text === undefined) return;
    const problem = readTime(text, 'rfc3339', time);
    if (problem !== null)
      findings.error(path, problem, { value: text, expected: 'a time such as 2026-11-21T08:00:00Z' });
  };
  for (const [index, test] of config.tests.entries()) {
    const path = ['tests', index];
    if (!names.streams.includes(test.stream)) {
      findings.error([...path, 'stream'], unknownName(test.stream, 'stream', names.streams), {
        value: test.stream,
        meant: meantWord(test.stream, names.streams),
      });
    }
    for (const [i, message] of test.input.entries()) checkTime(message.at, [...path, 'input', i, 'at']);
    for (const [i, reading] of (test.expect ?? []).entries())
      checkTime(reading.time, [...path, 'expect', i, 'time']);
  }
}
