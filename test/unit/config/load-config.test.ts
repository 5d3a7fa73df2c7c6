import { describe, expect, test } from 'vitest';
import { defaultConfig } from '#agent/config/default-config.ts';
import { loadConfig, type LoadedConfig, type LoadOptions } from '#agent/config/load-config.ts';
import { printConfig } from '#agent/config/print-config.ts';
import { renderProblems } from '#agent/config/render-problems.ts';
import type { Config } from '#agent/config/schema/config.ts';
import { secretReferences } from '#agent/config/secret-references.ts';

const source = 'sources: { line: { type: mqtt, url: mqtt://b, topics: [a] } }\n';

function load(text: string, more: Partial<LoadOptions> = {}): LoadedConfig {
  return loadConfig({ files: [{ name: 'sedge.yaml', text }], env: {}, checkExpression: () => null, ...more });
}

function accepted(text: string, more: Partial<LoadOptions> = {}): Config {
  const loaded = load(text, more);
  if (!loaded.ok) throw new Error(renderProblems(loaded.problems));
  return loaded.config;
}

function refused(loaded: LoadedConfig): readonly string[] {
  return loaded.ok
    ? []
    : loaded.problems.map((problem) => `${problem.file}:${problem.line} ${problem.path}: ${problem.message}`);
}

describe('loading a config', () => {
  test('an empty file gives the defaults', () => {
    expect(accepted('# nothing\n', { agentId: 'gw-1' })).toEqual(defaultConfig('gw-1'));
    expect(accepted('', { files: [], agentId: 'gw-1' })).toEqual(defaultConfig('gw-1'));
  });

  test('units come out as milliseconds, bytes and bytes a second', () => {
    const config = accepted(
      'buffer: { size: 1.5GiB, keep_free: 1GiB, seal: { age: 1m30s } }\n' +
        'uplinks: { c: { type: http, url: "https://x", budget: { rate: 256KiB/s, per_day: 50MB } } }\n',
    );
    expect(config.buffer).toMatchObject({
      size: 1_610_612_736,
      keep_free: { bytes: 1_073_741_824 },
      seal: { age: 90_000 },
    });
    expect(config.uplinks['c']?.budget).toEqual({ rate: 262_144, per_day: 50_000_000 });
  });

  test('a client id is made of agent and source, so that it stays the same', () => {
    const config = accepted(source, { agentId: 'gw-9' });
    expect(config.sources['line']).toMatchObject({ client_id: 'sedge-gw-9-line' });
  });

  test('a broker takes anonymous clients exactly when it has no users, unless told', () => {
    const anonymous = (text: string) =>
      accepted(`sources: { b: { type: broker, listen: "127.0.0.1:0"${text} } }`).sources['b'];
    expect(anonymous('')).toMatchObject({ anonymous: true });
    expect(anonymous(', users: [{ name: u, password: { secret: u } }]')).toMatchObject({ anonymous: false });
    expect(anonymous(', anonymous: true, users: [{ name: u, password: { secret: u } }]')).toMatchObject({
      anonymous: true,
    });
  });

  test('the MQTT version may be written as a number', () => {
    const version = (text: string) =>
      accepted(source.replace('mqtt,', `mqtt, version: ${text},`)).sources['line'];
    expect(version('5')).toMatchObject({ version: '5' });
    expect(version('3.1.1')).toMatchObject({ version: '3.1.1' });
  });

  test('JSON is taken too', () => {
    expect(accepted('{"buffer": {"size": "1GiB"}}').buffer.size).toBe(2 ** 30);
  });

  test('a section with nothing behind it is as if it were not there', () => {
    expect(accepted('buffer:\nsources:\ntests:\n', { agentId: 'a' })).toEqual(defaultConfig('a'));
  });

  test('anchors and merge keys are followed', () => {
    const config = accepted(
      'sources:\n  a: &base { type: mqtt, url: mqtt://b, topics: [x], qos: 2 }\n  b: { <<: *base, topics: [y] }\n',
    );
    expect(config.sources['b']).toMatchObject({ qos: 2, topics: ['y'] });
  });

  test('lets the host point at a value that is wrong for a reason only it knows', () => {
    const loaded = load('buffer:\n  size: 1GiB\n');
    if (!loaded.ok) throw new Error('refused');
    const place = { file: 'sedge.yaml', line: 2, column: 9, excerpt: '  size: 1GiB' };
    expect(loaded.problemOf(['buffer', 'size'], 'no such disk')).toMatchObject({
      ...place,
      path: 'buffer.size',
      message: 'no such disk',
    });
  });

  test('parts are checked against each other even where some have faults', () => {
    const loaded = load(`${source}streams: { v: { from: [lien] }, w: { priority: 99 } }\n`);
    expect(refused(loaded)).toEqual([
      'sedge.yaml:2 streams.v.from[0]: "lien" is no source; there are line',
      'sedge.yaml:2 streams.w.priority: 99 is not a whole number from 0 to 9',
    ]);
  });

  test('a part with a fault still counts by its name', () => {
    const loaded = load('sources: { line: { type: mqtt } }\nstreams: { v: { from: [line] } }\n');
    expect(refused(loaded).join('\n')).not.toContain('is no source');
  });
});

describe('warnings', () => {
  test('a buffer in which no commit holds the largest message is told, with the least size and what needs it', () => {
    const streams =
      'streams: { a: { from: [line], match: a }, b: { from: [line], match: a, decode: { max_payload: 1MiB } } }\n';
    const warned = (size: string): readonly string[] =>
      load(`${source}${streams}buffer: { size: ${size} }\n`, {
        bufferFor: (bytes) => bytes * 40,
      }).warnings.map(({ line, path, message }) => `${line} ${path}: ${message}`);

    expect(warned('32MiB')).toEqual([
      '3 buffer.size: 32MiB is less than 40MiB, the least in which one commit holds a message of 1MiB (streams.b.decode.max_payload): ' +
        'a larger one is stored in parts, and a crash between them brings the first ones twice',
    ]);
    expect(warned('40MiB')).toEqual([]);
  });

  test('a high priority that is in vain is told, with the stage to blame and a way out, where the buffer may be full', () => {
    const streams =
      'streams: { alarms: { from: [line], match: a, priority: 8, stages: [{ keep: "true" }, { window: { every: 1s, emit: [mean] } }] } }\n';
    const warned = (whenFull: string, hindered: number | null = 1): readonly string[] =>
      load(`${source}${streams}buffer: { when_full: ${whenFull} }\n`, {
        urgencyHindered: () => hindered,
      }).warnings.map(({ line, path, message }) => `${line} ${path}: ${message}`);

    expect(warned('block')).toEqual([
      '2 streams.alarms.priority: does not make it urgent: what window (stages.1) remembers is stored in one order with all streams, so ' +
        'a full buffer (when_full: block) takes neither; let a stream with a source of its own have window, or lower the priority',
    ]);
    expect(warned('coarsen')).toEqual([]);
    expect(warned('block', null)).toEqual([]);
  });

  function warned(text: string): readonly string[] {
    const loaded = load(text);
    if (!loaded.ok) throw new Error(renderProblems(loaded.problems));
    return loaded.warnings.map((warning) => `${warning.path}: ${warning.message}`);
  }

  test('nothing is said of a config that is as it should be', () => {
    expect(
      warned(`${source}streams: { v: { from: [line] } }\nuplinks: { c: { type: http, url: "https://x" } }\n`),
    ).toEqual([]);
  });

  test('sizes of source and stream that do not fit are named', () => {
    const config = (source: string, decode: string): string =>
      `sources: { s: ${source} }\nstreams: { v: { from: [s], decode: ${decode} } }\n`;
    const mqtt = (size: string) => `{ type: mqtt, url: mqtt://b, topics: [a], max_packet: ${size} }`;
    const http = (size: string) => `{ type: http, listen: "127.0.0.1:0", max_body: ${size} }`;

    expect(refused(load(config(mqtt('4MiB'), '{ format: json }'))).join('\n')).toContain(
      'sources.s.max_packet: no stream that takes from it decodes more than 512KiB at once: raise decode.max_payload there',
    );
    expect(warned(config(mqtt('4MiB'), '{ format: json, max_payload: 4MiB }'))).toEqual([]);
    expect(warned(config(mqtt('4MiB'), '{ format: ndjson }'))).toEqual([]);
    expect(warned(config(http('16MiB'), '{ format: json }'))).toEqual([
      'sources.s.max_body: no stream that takes from it decodes more than 512KiB at once, NDJSON bodies aside',
    ]);
    expect(warned(config(mqtt('512KiB'), '{ max_payload: 1MiB }'))).toEqual([
      'streams.v.decode.max_payload: source s takes nothing larger than 512KiB (max_packet)',
    ]);
  });

  test('what nobody uses, takes or feeds is named', () => {
    const text = `${source}streams: { v: {}, w: { from: [line], match: b } }\nuplinks: { c: { type: http, url: "https://x", streams: [v, "x*"] } }\n`;
    expect(warned(text)).toEqual([
      'streams.v: takes messages from no source; only POST /v1/ingest/v feeds it',
      'streams.w: no uplink takes it; its readings stay in the buffer',
      'streams.w.match: takes no topic that source "line" subscribes to',
      'uplinks.c.streams[1]: "x*" takes no stream',
    ]);
  });

  test('an open broker and unchecked certificates are named', () => {
    const text =
      'sources:\n  b: { type: broker, listen: "0.0.0.0:1883" }\n' +
      '  m: { type: mqtt, url: mqtts://b, topics: [a], clean: true, tls: { insecure_skip_verify: true } }\n' +
      'streams: { v: { from: [b, m] } }\n';
    expect(warned(text).map((warning) => warning.split(': ', 1)[0])).toEqual([
      'sources.b.listen',
      'sources.m.clean',
      'sources.m.tls.insecure_skip_verify',
    ]);
    expect(warned(text.replace('1883"', '1883", anonymous: true'))).toHaveLength(2);
  });
});

describe('several files', () => {
  const files = (...texts: string[]) => ({
    files: texts.map((text, index) => ({ name: index === 0 ? 'sedge.yaml' : `conf.d/${index}.yaml`, text })),
  });

  test('maps are merged', () => {
    const config = accepted(
      '',
      files(source, 'sources: { push: { type: http, listen: "127.0.0.1:0" } }\nbuffer: { size: 1GiB }'),
    );
    expect(Object.keys(config.sources)).toEqual(['line', 'push']);
    expect(config.buffer.size).toBe(2 ** 30);
  });

  test('one key with two values is an error that names both places', () => {
    expect(refused(load('', files('buffer:\n  size: 1GiB\n', '\nbuffer: { size: 2GiB }\n')))).toEqual([
      'conf.d/1.yaml:2 buffer.size: is defined a second time, and differently: first at sedge.yaml:2',
    ]);
    expect(refused(load('', files(source, source)))).toEqual([]);
  });

  test('lists are not joined, but test cases are', () => {
    const streams = 'streams: { v: { from: [line] } }\n';
    const test = (name: string) =>
      `tests: [{ name: ${name}, stream: v, input: [{ topic: a, payload: "1" }] }]\n`;
    const config = accepted('', files(source + streams + test('one'), test('two')));
    expect(config.tests.map(({ name }) => name)).toEqual(['one', 'two']);
    const other = source.replace('[a]', '[b]');
    expect(refused(load('', files(source, other)))[0]).toContain(
      'conf.d/1.yaml:1 sources.line.topics: is defined a second time',
    );
  });
});

describe('variables', () => {
  const site = (text: string, env: Record<string, string> = {}) =>
    accepted(`agent: { site: ${text} }`, { env }).agent.site;

  test('fill values, with defaults where they are not set', () => {
    expect(site('"${SITE}"', { SITE: 'plant-3' })).toBe('plant-3');
    expect(site('"${SITE:-home}"')).toBe('home');
    expect(site('"${SITE:-home}"', { SITE: '' })).toBe('home');
    expect(site('"a-${N}-${N}"', { N: '1' })).toBe('a-1-1');
  });

  test('can never become structure', () => {
    const config = accepted('log: { level: "${L}" }\nagent: { data: "${X}" }', {
      env: { L: 'debug', X: '/x", site: "evil\nbuffer: {}' },
    });
    expect(config.agent).toMatchObject({ site: 'default', data: '/x", site: "evil\nbuffer: {}' });
  });

  test('take the type that the key wants', () => {
    const config = accepted('streams: { v: { priority: "${P}" } }\nagent:\n  site: ${S}\n', {
      env: { P: '7', S: '007' },
    });
    expect(config.streams['v']?.priority).toBe(7);
    expect(config.agent.site).toBe('007');
  });

  test('are read once: what they hold is not filled again', () => {
    expect(accepted('agent: { data: "${A}" }', { env: { A: '${B}', B: 'x' } }).agent.data).toBe('${B}');
  });

  test('two dollars are one, and other dollars stay', () => {
    const topics = accepted(source.replace('[a]', () => '["$SYS/x", "$${a}"]')).sources['line'];
    expect(topics).toMatchObject({ topics: ['$SYS/x', '${a}'] });
  });

  test('SEDGE__SECTION__KEY overrides files, lists and names included', () => {
    const config = accepted(source.replace('line', 'My-Line'), {
      env: {
        SEDGE__SOURCES__MY_LINE__QOS: '2',
        SEDGE__SOURCES__MY_LINE__TOPICS: '["x/#", y]',
        SEDGE__BUFFER__SIZE: '1GiB',
      },
    });
    expect(config.sources['My-Line']).toMatchObject({ qos: 2, topics: ['x/#', 'y'] });
    expect(config.buffer.size).toBe(2 ** 30);
  });
});

describe('secrets', () => {
  test('are listed by name and printed by name', () => {
    const config = accepted(
      'uplinks: { c: { type: http, url: "https://x", token: { secret: cloud }, headers: { X-Key: { secret: k } } } }',
    );
    expect(secretReferences(config)).toEqual([
      { path: ['uplinks', 'c', 'token'], name: 'cloud' },
      { path: ['uplinks', 'c', 'headers', 'X-Key'], name: 'k' },
    ]);
    expect(printConfig(config)).toContain('secret: cloud');
  });

  test.each([
    'uplinks: { c: { type: http, token: hunter2, url: 5, url2: 6 } }',
    'uplinks: { c: { type: http, url: "https://u:hunter2@x", batch: -1 } }',
    'sources: { a: { type: mqtt, passwd: "hunter2", qos: 9, url: "mqtt://b", topics: [a] } }',
    'sources:\n  a:\n    type: mqtt\n    password: "hunter2\n',
    'sources:\n  a: { password: hunter2: 3 }\n',
    '{"uplinks":{"c":{"client_secret":"hunter2","type":"file","path":3}}}',
  ])('are never shown, whatever else is wrong: %s', (text) => {
    const loaded = load(text);
    expect(loaded.ok).toBe(false);
    if (loaded.ok) return;
    expect(JSON.stringify(loaded.problems) + renderProblems(loaded.problems)).not.toContain('hunter2');
  });

  test('content that reaches the terminal cannot move its cursor', () => {
    const loaded = load('agent: { id: "\\e[2Jx y", "\u009b31mq": 1, "\\x9bk": 2 }\n');
    expect(loaded.ok).toBe(false);
    if (!loaded.ok) expect(renderProblems(loaded.problems).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('renamed keys', () => {
  const migrations = [{ within: ['sources', '*'], from: 'keepalive', to: 'keep_alive', since: '0.2' }];

  test('are accepted by their old name, with a warning', () => {
    const loaded = load(source.replace('mqtt,', 'mqtt, keepalive: 10s,'), { migrations });
    if (!loaded.ok) throw new Error(renderProblems(loaded.problems));
    expect(loaded.config.sources['line']).toMatchObject({ keep_alive: 10_000 });
    expect(loaded.warnings.map((warning) => warning.message)).toContain(
      'is now called `keep_alive` (since 0.2); the old name still works',
    );
  });

  test('are refused when old and new name stand side by side', () => {
    const loaded = load(source.replace('mqtt,', 'mqtt, keepalive: 10s, keep_alive: 5s,'), { migrations });
    expect(refused(loaded)).toEqual([
      'sedge.yaml:1 sources.line.keepalive: is the old name of `keep_alive`, which is there too: remove the old one',
    ]);
  });

  test('can change the form of their value', () => {
    const convert = { within: ['buffer'], from: 'size_mib', to: 'size', since: '0.2', convert: inMebibytes };
    expect(accepted('buffer: { size_mib: 64 }', { migrations: [convert] }).buffer.size).toBe(64 * 2 ** 20);
  });
});

const inMebibytes: NonNullable<NonNullable<LoadOptions['migrations']>[number]['convert']> = (node) =>
  node.kind === 'scalar' ? { ...node, value: `${node.text}MiB` } : node;

describe('bounds', () => {
  test.each([
    ['a file that is too long', `#${'x'.repeat(1024 * 1024)}`, 'characters; at most'],
    ['brackets without end', '['.repeat(500_000), 'nests maps and lists deeper'],
    ['dashes without end', '- '.repeat(200_000), 'nests maps and lists deeper'],
    [
      'indents without end',
      Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      'nests maps and lists deeper',
    ],
    [
      'aliases that multiply',
      `a: &a [${'x,'.repeat(9)}x]\n${Array.from('bcdefgh')
        .map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}*${'abcdefg'[i]}]`)
        .join('\n')}`,
      'more than 1000 aliases',
    ],
    [
      'an anchor of many values, used often',
      `a: &a [${'x,'.repeat(999)}x]\nb: [${'*a,'.repeat(300)}*a]\n`,
      'with its aliases',
    ],
    ['an alias of what contains it', 'a: &a [*a]\n', 'contains it'],
  ])('%s is refused at once', (_, text, message) => {
    const loaded = load(text);
    expect(refused(loaded).join('\n')).toContain(message);
  });

  test('at most 200 problems are collected, 20 are printed', () => {
    const loaded = load(Array.from({ length: 1000 }, (_, i) => `k${i}: 1`).join('\n'));
    if (loaded.ok) throw new Error('accepted');
    expect(loaded.problems).toHaveLength(200);
    expect(renderProblems(loaded.problems)).toMatch(/… and 180 more$/);
  });
});
