import { bufferVerb } from './cli/buffer/buffer-verb.ts';
import type { BufferOpener } from './cli/buffer/offline-buffer.ts';
import { planVerb, printConfigVerb, validateVerb } from './cli/config-verbs.ts';
import { completionScript } from './cli/completion.ts';
import { demoVerb } from './cli/demo/demo-verb.ts';
import { proveVerb } from './cli/prove/prove.ts';
import { queryVerb } from './cli/query-verb.ts';
import { receiveVerb } from './cli/receive.ts';
import { statusVerb, tapVerb, topVerb } from './cli/status.ts';
import { testVerb } from './cli/test-verb.ts';
import { exit, type Verb } from './cli/verb.ts';
import { packaging } from './host/packaging.ts';
import { line } from './ports/world.ts';
import { runAgentVerb } from './run-agent.ts';
import { version } from './version.ts';

const versionVerb: Verb = {
  name: 'version',
  summary: 'release, Node and architecture',
  operands: '',
  flags: [],
  run: (invocation, world) => {
    const { arch, platform, version: node } = process;
    if (invocation.flags.has('json'))
      line(world.stdout, JSON.stringify({ version, node: node.slice(1), platform, arch }));
    else line(world.stdout, `sedge ${version} (node ${node.slice(1)}, ${platform}-${arch})`);
    return Promise.resolve(exit.ok);
  },
};

const completionVerb: Verb = {
  name: 'completion',
  summary: 'shell completion: source <(sedge completion bash)',
  operands: 'bash|zsh|fish',
  subverbs: ['bash', 'zsh', 'fish'],
  flags: [],
  run: (invocation, world) => {
    world.stdout.write(completionScript(invocation.words[0]!, verbs));
    return Promise.resolve(exit.ok);
  },
};

/** Loaded by those who open a folder. */
const opener: BufferOpener = {
  open: async (config, warn) => {
    const { bufferOpener } = await import('./assembly/offline-store.ts');
    return bufferOpener(packaging(process.env)).open(config, warn);
  },
};

/** Every verb, in the order of the help. */
export const verbs: readonly Verb[] = [
  runAgentVerb(),
  demoVerb,
  validateVerb,
  planVerb,
  printConfigVerb,
  testVerb,
  statusVerb,
  topVerb,
  tapVerb,
  bufferVerb(opener),
  queryVerb(opener),
  receiveVerb,
  proveVerb,
  versionVerb,
  completionVerb,
];
