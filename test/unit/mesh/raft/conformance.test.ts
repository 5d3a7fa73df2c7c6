import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { messageOf } from '#agent/base/errors.ts';
import { parseScript } from '#test/conformance/mesh/raft/datadriven.ts';
import { lineDiff } from '#test/conformance/mesh/raft/line-diff.ts';
import { august2026, releasesOf, september2023, type Release } from '#test/conformance/mesh/raft/release.ts';
import { runScript } from '#test/conformance/mesh/raft/run-script.ts';

const folder = fileURLToPath(new URL('../../../../../shared/conformance', import.meta.url));

const ownFolder = fileURLToPath(new URL('../../../conformance/mesh/raft', import.meta.url));

const scriptsIn = (name: string, parent = folder): string[] =>
  existsSync(join(parent, name))
    ? readdirSync(join(parent, name), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.txt'))
        .map((file) => join(name, file))
        .sort()
    : [];

function differences(file: string, parent = folder, releases?: readonly Release[]): string {
  const { mismatch } = runScript(readFileSync(join(parent, file), 'utf8'), releases);
  if (mismatch === null) return '';
  return `${file}:${mismatch.line}: ${mismatch.command}\n${lineDiff(mismatch.expected, mismatch.actual)}`;
}

const randomScripts = scriptsIn('etcd-raft-random');

describe('conformance with etcd-io/raft', () => {
  test('there are scripts to run', (ctx) => {
    if (!existsSync(folder)) ctx.skip('the folder shared/conformance is not beside the project');
    expect(scriptsIn('etcd-raft').length).toBeGreaterThanOrEqual(41);
    expect(randomScripts.length).toBeGreaterThanOrEqual(100);
  });

  test.each(scriptsIn('scripts', ownFolder))('%s comes out as a live etcd-io/raft printed it', (file) => {
    expect(differences(file, ownFolder)).toBe('');
  });

  test.each(scriptsIn('etcd-raft'))('%s comes out byte for byte', (file) => {
    expect(differences(file, folder, [august2026])).toBe('');
  });

  test.each(randomScripts)('%s comes out byte for byte as September 2023 printed it', (file) => {
    expect(differences(file, folder, [september2023])).toBe('');
  });

  test.each(randomScripts)('%s is seen to be of 2023, or may be of both', (file) => {
    const releases = releasesOf(parseScript(readFileSync(join(folder, file), 'utf8')));
    expect(releases).toContain(september2023);
    expect(differences(file)).toBe('');
  });
});

describe('the run of a script', () => {
  const own = (name: string): string => readFileSync(join(ownFolder, 'scripts', name), 'utf8');

  test('a script that does not parse is refused with its line', () => {
    expect(() => runScript('add-nodes 1 voters=(1\n----\nok\n')).toThrow('line 1: a parenthesis');
  });

  test('a script without a directive is refused', () => {
    expect(() => runScript('# nothing but a comment\n')).toThrow('holds no directive');
  });

  test('a difference is found and named by its line', () => {
    const { mismatch } = runScript('# a comment\n\nadd-nodes 1\n----\nsomething else\n');
    expect(mismatch).toMatchObject({ line: 3, command: 'add-nodes', expected: 'something else\n' });
  });

  test('the release is seen from what only one prints, in outputs and outside of payloads', () => {
    const seen = (output: string): string[] =>
      releasesOf(parseScript(`stabilize\n----\n${output}\n`)).map(({ name }) => name);
    const [older, newer] = [september2023.name, august2026.name];
    const record = 'WARN 2 attempted to restore snapshot but it is not in the ConfState';
    expect(seen('1->2 MsgApp Term:1 Log:1/3 Entries:[1/4 EntryNormal "a", 1/5 EntryNormal ""]')).toEqual([
      older,
    ]);
    expect(seen('1->2 MsgSnap Term:1 Log:0/0 Snapshot: Index:3 Term:1')).toEqual([older]);
    expect(seen(`${record} {[1] [] [] [] false}; should never happen`)).toEqual([older]);
    expect(seen('1->2 MsgApp Term:1 Log:1/3 Entries:[\n  1/4 EntryNormal "a"')).toEqual([newer]);
    expect(seen('1->2 MsgSnap Term:1 Log:0/0\n  Snapshot: Index:3 Term:1')).toEqual([newer]);
    expect(seen(`${record} voters:1 auto_leave:false; should never happen`)).toEqual([newer]);
    expect(seen('1->2 MsgProp Term:0 Log:0/0 Entries:[0/0 EntryNormal "Responses:[x"]')).toEqual([
      newer,
      older,
    ]);
    expect(seen('ok')).toEqual([newer, older]);
  });

  test.each(['2023-compacted-beyond-commit.txt', 'mixed-07.txt'])(
    'any byte of what %s expects can be altered, and it shows',
    (name) => {
      const text = own(name);
      const lines = text.split('\n');
      const starts = [0];
      for (const line of lines) starts.push(starts.at(-1)! + line.length + 1);
      const answers = parseScript(text).map(({ answer }) => [starts[answer.start]!, starts[answer.end]! - 1]);
      const places = answers.flatMap(([from, to], at) => [
        from! + (at % 4),
        from! + 5 + ((at * 7919) % (to! - from! - 5)),
      ]);
      for (const place of places) {
        const other = text[place] === 'x' ? 'y' : 'x';
        const altered = `${text.slice(0, place)}${other}${text.slice(place + 1)}`;
        expect(verdictOn(altered), `with ${other} at ${place}`).not.toBe('passes');
      }
    },
  );
});

function verdictOn(script: string): string {
  try {
    return runScript(script).mismatch === null ? 'passes' : 'differs';
  } catch (error) {
    return messageOf(error);
  }
}
