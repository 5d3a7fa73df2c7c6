import { SedgeError } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { HostClock } from '../host/clock.ts';
import { line, type World } from '../ports/world.ts';
import type { AnswerJson } from '../query/answer.ts';
import { caretAt, placeIn, QueryFault } from '../query/lexer.ts';
import { parseQuery } from '../query/parse.ts';
import type { Query } from '../query/query.ts';
import { clientFor } from './agent-access.ts';
import { answerText } from './answer-text.ts';
import { type BufferOpener, openOffline } from './buffer/offline-buffer.ts';
import { goodConfiguration } from './load-configuration.ts';
import { usage } from './parse-arguments.ts';
import { exit, type Verb } from './verb.ts';

const details = `  AGGREGATE(FIELD), …  [of STREAM, …]  [where TAG = VALUE and …]  [by KEY, …]  [since 1h | from TIME]  [until TIME]

  count() rate()                readings, of any quality; by second
  count(f) rate(f)              values of a field; bad quality left out here and below
  sum mean min max stddev (f)   of its numbers
  p50(f) … p99.9(f) median(f) quantile(f, 0.9)
  histogram(f, 20)              parts of equal width
  distinct(f) top(f, 10)        different values, and those that come most often
  STREAM                        a name or a glob such as pump*; default: all that do not begin with _
  where                         =  !=  in (a, b)  not in (a, b)
  KEY                           stream, a tag, or window(5m)
  TIME                          2026-11-21T08:00:00Z, a day, or now

A figure stands with its bounds where it is not exact, "about" where nothing bounds it; lists and histograms too. The last line says what the answer stands on.`;

/** `sedge query '…'`: asks the running agent, or the folder of one that does not run. */
export function queryVerb(opener: BufferOpener): Verb {
  const verb: Verb = {
    name: 'query',
    summary:
      "ask what is stored: sedge query 'p99(temp), count() of pumps where line = a by machine since 1h'",
    operands: 'QUERY',
    details,
    flags: [],
    awaited: new Map([
      [
        'site',
        '--site needs the mesh, which this version does not have; without it this agent alone is asked',
      ],
    ]),
    run: async (invocation, world) => {
      const text = invocation.words.join(' ');
      if (text.trim() === '') throw usage(verb, 'needs a query');
      const query = readQuery(text, world);
      if (query === null) return exit.usage;
      const config = await goodConfiguration(invocation, world);
      if (config === null) return exit.config;
      let answer: AnswerJson;
      try {
        answer = await answerOf(query, { config, opener, world });
      } catch (error) {
        const at = error instanceof SedgeError ? placeIn(error.message) : null;
        if (!(error instanceof SedgeError) || at === null) throw error;
        complain(world, error, caretAt(text, at));
        return error.exitCode;
      }
      world.stdout.write(invocation.flags.has('json') ? `${JSON.stringify(answer)}\n` : answerText(answer));
      return exit.ok;
    },
  };
  return verb;
}

/** Of the running agent, else of the folder. @throws {SedgeError} */
async function answerOf(
  query: Query,
  { config, opener, world }: { config: Config; opener: BufferOpener; world: World },
): Promise<AnswerJson> {
  try {
    const path = `/v1/query?q=${encodeURIComponent(query.text)}`;
    return (await clientFor(config, world).get(path)) as AnswerJson;
  } catch (error) {
    if (!(error instanceof SedgeError) || error.code !== 'SEDGE_AGENT_UNREACHABLE') throw error;
    const buffer = await openOffline(opener, config, world.stderr);
    try {
      return await buffer.query(query);
    } finally {
      await buffer.close();
    }
  }
}

function complain(world: World, error: SedgeError, caret: string): void {
  line(world.stderr, `sedge: ${error.message.replace(/^the agent answered \d+ for \S+: /, '')}`);
  line(world.stderr, caret);
  line(world.stderr, `  ${error.code}: ${error.hint}`);
}

/** Null, and what is wrong said with a caret, when it can not be read. */
function readQuery(text: string, world: World): Query | null {
  try {
    return parseQuery(text, new HostClock().wall());
  } catch (error) {
    if (!(error instanceof QueryFault)) throw error;
    complain(world, error, error.caret());
    return null;
  }
}
