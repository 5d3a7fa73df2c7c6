import { messageOf, SedgeError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { flagLine, parseInvocation } from './parse-arguments.ts';
import { commonFlags, exit, type Verb } from './verb.ts';
import { line, type World } from '../ports/world.ts';

/** Runs one command line and says how it ended. Misuse costs one clear line; only our own bugs show a stack. */
export async function dispatch(
  argv: readonly string[],
  options: { verbs: readonly Verb[]; version: string; world: World },
): Promise<number> {
  const { verbs, world } = options;
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const wanted = name === 'help' ? verbs.find((verb) => verb.name === rest[0]) : undefined;
    world.stdout.write(wanted === undefined ? generalHelp(options) : verbHelp(wanted));
    return name === undefined ? exit.usage : exit.ok;
  }
  const verb = verbs.find((one) => one.name === (name === '--version' ? 'version' : name));
  try {
    if (verb === undefined) throw unknownVerb(name, verbs);
    const invocation = parseInvocation(verb, rest);
    if (invocation.flags.has('help')) {
      world.stdout.write(verbHelp(verb));
      return exit.ok;
    }
    return await verb.run(invocation, world);
  } catch (error) {
    if (!(error instanceof SedgeError)) throw error;
    // Usage errors begin with the command line they are about.
    line(world.stderr, error.message.startsWith('sedge ') ? error.message : `sedge: ${error.message}`);
    const cause = error.cause === undefined ? '' : messageOf(error.cause);
    if (!error.message.includes(cause)) line(world.stderr, `  because: ${cause}`);
    line(world.stderr, `  ${error.code}: ${error.hint}`);
    return error.exitCode;
  }
}

function unknownVerb(name: string, verbs: readonly Verb[]): SedgeError {
  if (name.startsWith('-'))
    return new SedgeError('SEDGE_CLI_USAGE', `the verb comes before the flags: sedge VERB ${name} …`);
  const meant = nearest(
    name,
    verbs.map((verb) => verb.name),
  );
  return new SedgeError(
    'SEDGE_CLI_USAGE',
    `unknown verb ${JSON.stringify(name)}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  );
}

function generalHelp(options: { verbs: readonly Verb[]; version: string }): string {
  const verbs = options.verbs.map((verb) => `  ${verb.name.padEnd(14)}${verb.summary}`).join('\n');
  return `sedge ${options.version}: sensor data in, nothing lost, the site works on without the cloud

usage: sedge VERB [--config FILE] [--data DIR] [--json] …

${verbs}

sedge VERB --help tells more.
`;
}

function verbHelp(verb: Verb): string {
  const flags = [...verb.flags, ...commonFlags].map(flagLine).join('\n');
  const operands = verb.operands === '' ? '' : ` ${verb.operands}`;
  const subverbs = Object.entries(verb.subverbSummaries ?? {})
    .map(([name, summary]) => `  ${name.padEnd(24)}${summary}\n`)
    .join('');
  const more = subverbs === '' ? '' : `${subverbs}\n`;
  const details = verb.details === undefined ? '' : `${verb.details}\n\n`;
  return `sedge ${verb.name}${operands}\n\n${verb.summary}\n\n${details}${more}${flags}\n`;
}
