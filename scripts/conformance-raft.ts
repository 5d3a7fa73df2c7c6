/**
 * Runs scripts of etcd-io/raft (quorum, confchange, interaction) against our Raft and compares every line, byte for byte, with what the
 * release printed that recorded it. `node scripts/conformance-raft.ts [FILE | FOLDER …]`; without arguments those beside the project.
 * Ends 1 when any differs.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '#agent/base/errors.ts';
import { lineDiff } from '#test/conformance/mesh/raft/line-diff.ts';
import { august2026 } from '#test/conformance/mesh/raft/release.ts';
import { runScript } from '#test/conformance/mesh/raft/run-script.ts';

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

/** Prints the verdict on one file, in one line, or with the lines that differ. */
function runFile(file: string): { readonly passed: boolean; readonly directives: number } {
  const name = relative(process.cwd(), file);
  try {
    const { release, directives, mismatch } = runScript(readFileSync(file, 'utf8'));
    if (mismatch === null) {
      const mark = release.name === august2026.name ? '' : `, as of ${release.name}`;
      console.log(`pass ${name} (${directives} directives${mark})`);
      return { passed: true, directives };
    }
    console.log(`FAIL ${name}:${mismatch.line}: ${mismatch.command}`);
    console.log(lineDiff(mismatch.expected, mismatch.actual));
    return { passed: false, directives };
  } catch (thrown) {
    console.log(`FAIL ${name}: ${messageOf(thrown).split('\n', 1)[0]}`);
    return { passed: false, directives: 0 };
  }
}

function main(args: readonly string[]): number {
  const unknown = args.find((arg) => arg.startsWith('-'));
  if (unknown !== undefined) {
    console.error(`conformance-raft: unknown option ${unknown} (there is none)`);
    return 64;
  }
  const named = args.map((arg) => resolve(arg));
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
  const results = paths.flatMap(scriptsIn).map(runFile);
  if (results.length === 0) {
    console.error(`conformance-raft: no .txt file in ${paths.join(', ')}`);
    return 64;
  }
  const passed = results.filter((result) => result.passed).length;
  const directives = results.reduce((sum, result) => sum + result.directives, 0);
  console.log(`${passed} passed, ${results.length - passed} failed (${directives} directives)`);
  return passed === results.length ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
