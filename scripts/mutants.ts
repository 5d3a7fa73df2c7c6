/**
 * Puts one fault after the other into a copy of the code and runs the tests on it: each must be noticed. Prints who noticed and how soon.
 * `node scripts/mutants.ts [--first] [NAME …]`; a NAME narrows to mutants whose name or fault holds it; with `--first` nobody else is
 * asked once one has noticed. Ends 1 when one lives on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutant } from '../test/mutants/mutant.ts';
import { raftMutants } from '../test/mutants/raft.ts';
import { root } from './steps.ts';

/** A mutant may loop for ever; that is noticed too. */
const killerMsMax = 180_000;
const seeds = 600;

interface Killer {
  readonly name: string;
  readonly parameters: readonly string[];
}

const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--bail', '1'];

const storyTests = ['test/unit/mesh/raft/adversarial', 'test/unit/mesh/raft/lost-ends', 'test/unit/stories'];

/** The quickest first; all of them are asked, as each is to show what it is good for. */
const killers: readonly Killer[] = [
  { name: 'stories', parameters: [...vitest, ...storyTests] },
  { name: 'paper', parameters: [...vitest, 'test/unit/mesh/raft/paper', 'test/unit/mesh/raft/bounds'] },
  { name: 'etcd', parameters: [...vitest, 'test/unit/mesh/raft/conformance'] },
  { name: 'simulator', parameters: ['test/simulation/raft/run.ts', '--seed', '1', '--count', `${seeds}`] },
];

/** A tree of its own: sources copied, packages and recorded data linked. */
function copyTree(folder: string): string {
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  for (const name of ['agent', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
    cpSync(join(root, name), join(tree, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  const shared = join(root, '../shared');
  if (existsSync(shared)) symlinkSync(shared, join(folder, 'shared'));
  return tree;
}

/** Whether the tests pass. */
async function passes(tree: string, { parameters }: Killer): Promise<boolean> {
  const child = spawn(process.execPath, parameters, { cwd: tree, stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), killerMsMax);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  return code === 0;
}

/** The code with the fault in it. @throws when the code has moved on and the mutant with it no more */
function infected(text: string, { file, code, instead, fault }: Mutant): string {
  const parts = text.split(code);
  if (parts.length !== 2)
    throw new Error(`${file}: ${parts.length - 1} times the code of the mutant "${fault}" (expected once)`);
  return parts.join(instead);
}

class Trial {
  readonly #tree: string;
  readonly #onlyFirst: boolean;
  /** Killers that are known to pass on healthy code. */
  readonly #sound = new Set<Killer>();

  constructor(tree: string, onlyFirst: boolean) {
    this.#tree = tree;
    this.#onlyFirst = onlyFirst;
  }

  /** Who notices. @throws when one of them fails without any fault */
  async killedBy(mutant: Mutant): Promise<string[]> {
    const path = join(this.#tree, mutant.file);
    const healthy = readFileSync(path, 'utf8');
    const names: string[] = [];
    for (const killer of killers) {
      await this.#trust(killer);
      writeFileSync(path, infected(healthy, mutant));
      if (!(await passes(this.#tree, killer))) names.push(killer.name);
      writeFileSync(path, healthy);
      if (this.#onlyFirst && names.length > 0) break;
    }
    return names;
  }

  async #trust(killer: Killer): Promise<void> {
    if (this.#sound.has(killer)) return;
    if (!(await passes(this.#tree, killer))) throw new Error(`${killer.name} fails without any fault`);
    this.#sound.add(killer);
  }
}

async function main(parameters: readonly string[]): Promise<number> {
  const onlyFirst = parameters.includes('--first');
  const words = parameters.filter((word) => word !== '--first');
  const chosen = raftMutants.filter(
    ({ name, fault }) => words.length === 0 || words.some((word) => name === word || fault.includes(word)),
  );
  if (chosen.length === 0) {
    console.error(`mutants: none is named ${words.join(' ')}`);
    return 64;
  }
  const folder = mkdtempSync(join(tmpdir(), 'sedge-mutants-'));
  try {
    const tree = copyTree(folder);
    for (const mutant of chosen) infected(readFileSync(join(tree, mutant.file), 'utf8'), mutant);
    const trial = new Trial(tree, onlyFirst);
    let alive = 0;
    for (const mutant of chosen) {
      const start = performance.now();
      const names = await trial.killedBy(mutant);
      const seconds = ((performance.now() - start) / 1_000).toFixed(1);
      if (names.length === 0) alive++;
      const verdict = names.length === 0 ? 'LIVES' : names.join(', ');
      console.log(`${mutant.name.padEnd(7)}${mutant.fault.padEnd(62)}${verdict.padEnd(36)}${seconds} s`);
    }
    console.log(`mutants: ${chosen.length}, ${chosen.length - alive} killed, ${alive} alive`);
    return alive === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`mutants: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
