/**
 * Runs scripts of etcd-io/raft (quorum, confchange, interaction) against our Raft and compares every line.
 * `node scripts/conformance-raft.ts [--current] [FILE | FOLDER …]`; without arguments those beside the project. Ends 1 when any differs.
 * A script that was recorded with etcd-io/raft of 2023 passes with a mark; `--current` takes none of these.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineDiff } from '#test/conformance/mesh/raft/line-diff.ts';
import type { Recorded } from '#test/conformance/mesh/raft/recorded.ts';
import { runScript, type ScriptResult } from '#test/conformance/mesh/raft/run-script.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const defaultFolders = ['etcd-raft', 'etcd-raft-random'].map((name) =>
  join(root, '../shared/conformance', name),
);

function scriptsIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .map((name) => join(path, name));
}

/** Prints the verdict on one file: the first recording it agrees with, or how it differs from the one it follows furthest. */
function runFile(
  file: string,
  recordings: readonly Recorded[],
): { readonly passed: boolean; readonly directives: number } {
  const name = relative(process.cwd(), file);
  try {
    const text = readFileSync(file, 'utf8');
    let furthest: ScriptResult | null = null;
    for (const recorded of recordings) {
      const result = runScript(text, recorded);
      if (result.mismatch === null) {
        const mark = recorded === 'current' ? '' : `; as recorded in ${recorded}`;
        console.log(`pass ${name} (${result.directives} directives${mark})`);
        return { passed: true, directives: result.directives };
      }
      if (result.mismatch.line > (furthest?.mismatch?.line ?? 0)) furthest = result;
    }
    const mismatch = furthest!.mismatch!;
    console.log(`FAIL ${name}:${mismatch.line}: ${mismatch.command}`);
    console.log(lineDiff(mismatch.expected, mismatch.actual));
    return { passed: false, directives: furthest!.directives };
  } catch (thrown) {
    console.log(`FAIL ${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    return { passed: false, directives: 0 };
  }
}

function main(args: readonly string[]): number {
  const unknown = args.find((arg) => arg.startsWith('-') && arg !== '--current');
  if (unknown !== undefined) {
    console.error(`conformance-raft: unknown option ${unknown} (known: --current)`);
    return 64;
  }
  const named = args.filter((arg) => arg !== '--current').map((arg) => resolve(arg));
  const missing = named.find((path) => !existsSync(path));
  if (missing !== undefined) {
    console.error(`conformance-raft: ${missing}: no such file`);
    return 64;
  }
  const paths = named.length > 0 ? named : defaultFolders.filter((path) => existsSync(path));
  if (paths.length === 0) {
    console.error('conformance-raft: name a file; there is no ../shared/conformance beside the project');
    return 64;
  }
  const recordings: readonly Recorded[] = args.includes('--current') ? ['current'] : ['current', '2023'];
  const results = paths.flatMap(scriptsIn).map((file) => runFile(file, recordings));
  const passed = results.filter((result) => result.passed).length;
  const directives = results.reduce((sum, result) => sum + result.directives, 0);
  console.log(`${passed} passed, ${results.length - passed} failed (${directives} directives)`);
  return passed === results.length ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
