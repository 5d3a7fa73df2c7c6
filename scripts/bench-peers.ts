/**
 * Builds and fetches other agents into FOLDER, for `SEDGE_BENCH_PEERS=FOLDER npm run bench -- peers`: Telegraf (needs Go 1.26, and some
 * minutes) and Node-RED (npm). Each only where its tool is found; what is there already stays. `npm run bench:peers -- FOLDER`.
 *
 * Two more are measured when they are put there by hand, since their sources do not come from a package registry: eKuiper (`bin/kuiperd`, built with
 * `-tags core`, and its folder `ekuiper/etc`) and Fluent Bit (`bin/fluent-bit`, with the MQTT input, the Lua filter and the file output).
 * Ends 1 when nothing could be built.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const telegraf = 'github.com/influxdata/telegraf/cmd/telegraf@v1.39.3';
/** Only what the bench's configuration names: a tenth of the whole. */
const telegrafParts = [
  'custom',
  'inputs.mqtt_consumer',
  'outputs.file',
  'parsers.json',
  'serializers.influx',
  'processors.scale',
  'processors.dedup',
];
const nodeRed = 'node-red@4.1.15';

function run(command: string, words: readonly string[], options: { cwd: string; env?: object }): boolean {
  console.error(`bench-peers: ${command} ${words.join(' ')}`);
  const { error, status } = spawnSync(command, words, {
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  if (error !== undefined) console.error(`bench-peers: ${command}: ${error.message}`);
  return error === undefined && status === 0;
}

function buildTelegraf(folder: string): boolean {
  const bin = join(folder, 'bin');
  if (existsSync(join(bin, 'telegraf'))) return true;
  const env = {
    GOBIN: bin,
    GOCACHE: join(folder, 'go-cache'),
    GOMODCACHE: join(folder, 'go-modules'),
    CGO_ENABLED: '0',
  };
  const words = ['install', '-trimpath', '-ldflags', '-s -w', '-tags', telegrafParts.join(','), telegraf];
  return run('go', words, { cwd: folder, env });
}

function fetchNodeRed(folder: string): boolean {
  const own = join(folder, 'node-red');
  if (existsSync(join(own, 'node_modules/node-red/red.js'))) return true;
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'package.json'), '{ "name": "bench-node-red", "private": true }\n');
  return run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', nodeRed], { cwd: own });
}

function main(words: readonly string[]): number {
  const [named] = words;
  if (named === undefined || words.length > 1 || named.startsWith('-')) {
    console.error('bench-peers: name one FOLDER, which may be there already');
    return 64;
  }
  const folder = resolve(named);
  mkdirSync(folder, { recursive: true });
  const made = [buildTelegraf(folder), fetchNodeRed(folder)].filter(Boolean).length;
  if (made > 0) console.log(`SEDGE_BENCH_PEERS=${folder} npm run bench -- peers`);
  return made > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
