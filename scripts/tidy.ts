/**
 * The walls of the house as a program: floors, pure rooms, sizes, words that must not appear. Prints one line a
 * finding, `file:line: what (expected)`, and ends 1 when there is any. `node scripts/tidy.ts [--json]`.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';

interface Finding {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const fileLinesMax = 400;
const functionLinesMax = 70;

/** Rooms of agent/ by floor; a room may import lower floors only. */
const floors: readonly (readonly string[])[] = [
  ['base'],
  ['reading'],
  ['ports'],
  ['config', 'pipeline', 'sketch', 'query'],
  ['ingest', 'buffer', 'uplink', 'learning', 'mesh', 'plugin', 'operate', 'receiver'],
  ['host'],
  ['api', 'cli', 'dashboard'],
  ['assembly'],
];
/** Rooms on one floor that may still meet: importer to imported. */
const sameFloor = new Set(['pipeline>sketch', 'query>sketch', 'cli>api']);
/** Effectful rooms reach the world through ports only; host is built from ports and the rooms it carries to threads. */
const notFromRooms = new Set(['host']);
const pure = [
  'agent/base',
  'agent/reading',
  'agent/ports',
  'agent/config',
  'agent/pipeline',
  'agent/sketch',
  'agent/query',
  'agent/mesh/raft',
  'agent/mesh/swim',
  'agent/mesh/ledger',
  'agent/mesh/placement',
  'agent/mesh/clock',
];
const bannedInPure = [
  'Date',
  'performance',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'Buffer',
  'crypto',
];
const bannedEverywhere: readonly { readonly member: string; readonly use: string }[] = [
  { member: 'Math.random', use: 'the Entropy port or base/prng' },
  { member: 'Date.now', use: 'the Clock port' },
];
const packagesOfHost = new Set(['better-sqlite3', 'mqtt', 'mqtt-packet', 'aedes', 'ws', 'systeminformation']);

function listSources(folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort();
}

function roomOf(file: string): string | null {
  const parts = file.split('/');
  return parts[0] === 'agent' && parts.length > 2 ? parts[1]! : null;
}

function floorOf(room: string): number {
  return floors.findIndex((floor) => floor.includes(room));
}

function checkImport(file: string, target: string): string | null {
  const from = roomOf(file);
  if (from === null) return null;
  const isRelative = target.startsWith('.');
  if (isRelative || target.startsWith('#agent/')) {
    const path = isRelative ? relative(root, resolve(root, dirname(file), target)) : target.slice(1);
    const to = roomOf(path);
    if (to === null) return `imports ${path}: only main.ts and assemble.ts stand above the rooms`;
    if (from === to) return null;
    if (floorOf(to) < 0) return `room ${to} is on no floor (name it in scripts/tidy.ts and agent/README.md)`;
    if (notFromRooms.has(to) && floorOf(from) < floorOf('host'))
      return `${from} imports host: declare a port instead`;
    if (notFromRooms.has(to) && from !== 'cli' && from !== 'assembly')
      return `${from} imports host: only assemble.ts and the CLI's entry know it`;
    if (floorOf(to) < floorOf(from)) return null;
    if (sameFloor.has(`${from}>${to}`)) return null;
    return `${from} imports ${to}: rooms on one floor or above are not known here`;
  }
  const isPure = pure.some((path) => file.startsWith(`${path}/`));
  if (isPure && target.startsWith('node:')) return `pure room imports ${target}`;
  const packageName = target.startsWith('@')
    ? target.split('/').slice(0, 2).join('/')
    : target.split('/')[0]!;
  if (packagesOfHost.has(packageName) && from !== 'host')
    return `${from} imports ${packageName}: only host touches native and network packages`;
  return null;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

function checkSource(file: string): Finding[] {
  const text = readFileSync(join(root, file), 'utf8');
  const findings: Finding[] = [];
  const lineAt = (index: number): number => text.slice(0, index).split('\n').length;
  const report = (index: number, what: string): void =>
    void findings.push({ file, line: lineAt(index), what });
  const lines = text.split('\n').length - 1;
  const isTest = file.startsWith('test/');
  if (lines > fileLinesMax && !isTest)
    report(text.length - 1, `file of ${lines} lines (at most ${fileLinesMax})`);
  const parsed = parseSync(file, text);
  for (const error of parsed.errors) report(0, `does not parse: ${error.message}`);
  for (const statement of parsed.module.staticImports) {
    const problem = checkImport(file, statement.moduleRequest.value);
    if (problem !== null) report(statement.start, problem);
  }
  for (const statement of parsed.module.staticExports) {
    for (const entry of statement.entries) {
      const target = entry.moduleRequest?.value;
      const problem = target === undefined ? null : checkImport(file, target);
      if (problem !== null) report(statement.start, problem);
    }
  }
  const isPure = pure.some((path) => file.startsWith(`${path}/`));
  const inAgent = file.startsWith('agent/') && !file.startsWith('agent/host/');
  const measure = (node: Node): void => {
    const length = lineAt(node.end) - lineAt(node.start) + 1;
    if (length > functionLinesMax && !isTest)
      report(node.start, `function of ${length} lines (at most ${functionLinesMax})`);
  };
  new Visitor({
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
    MemberExpression(node) {
      const member = text.slice(node.start, node.end);
      for (const banned of bannedEverywhere) {
        if (inAgent && member === banned.member) report(node.start, `${member} (use ${banned.use})`);
      }
      const object = text.slice(node.object.start, node.object.end);
      if (isPure && bannedInPure.includes(object)) report(node.start, `${member} in a pure room`);
    },
    CallExpression(node) {
      const callee = text.slice(node.callee.start, node.callee.end);
      if (isPure && bannedInPure.includes(callee)) report(node.start, `${callee}() in a pure room`);
    },
    NewExpression(node) {
      const callee = text.slice(node.callee.start, node.callee.end);
      // A date made from an argument is arithmetic; one made from nothing reads the clock.
      const readsClock = callee !== 'Date' || node.arguments.length === 0;
      if (isPure && readsClock && bannedInPure.includes(callee))
        report(node.start, `new ${callee} in a pure room`);
    },
  }).visit(parsed.program);
  return findings;
}

/** Marks left by people in a hurry. Written in pieces so that this file does not find itself. */
const marks = [['TO', 'DO'].join(''), ['FIX', 'ME'].join(''), ['X', 'XX:'].join('')];

function checkWords(file: string): Finding[] {
  const findings: Finding[] = [];
  const text = readFileSync(join(root, file), 'utf8');
  for (const [index, line] of text.split('\n').entries()) {
    for (const mark of marks)
      if (line.includes(mark)) findings.push({ file, line: index + 1, what: `leftover ${mark}` });
    if (/\b(it|test|describe)\.only\(/.test(line))
      findings.push({ file, line: index + 1, what: 'a test runs alone (.only)' });
  }
  return findings;
}

/** Rooms with a protocol or a format open with a README. */
const roomsWithReadme = [
  'agent',
  'agent/buffer',
  'agent/buffer/codec',
  'agent/ingest',
  'agent/uplink',
  'agent/pipeline',
  'agent/operate',
  'agent/mesh/raft',
  'agent/mesh/raft-log',
  'agent/mesh/swim',
  'agent/sketch',
  'agent/query',
];

function main(): number {
  const files = ['agent', 'plugins', 'firmware-bridge', 'test', 'scripts'].flatMap(listSources);
  const findings = files.flatMap((file) => [...checkSource(file), ...checkWords(file)]);
  for (const room of roomsWithReadme) {
    if (!existsSync(join(root, room, 'README.md')))
      findings.push({ file: `${room}/README.md`, line: 1, what: 'missing' });
  }
  for (const finding of findings) console.log(`${finding.file}:${finding.line}: ${finding.what}`);
  console.log(`tidy: ${files.length} files, ${findings.length} findings`);
  return findings.length === 0 ? 0 : 1;
}

process.exitCode = main();
