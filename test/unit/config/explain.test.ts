import { describe, expect, test } from 'vitest';
import { loadConfig } from '#agent/config/load-config.ts';
import { renderProblems } from '#agent/config/render-problems.ts';

/** What somebody reads who made this mistake; warnings left out. */
function told(text: string, env: Record<string, string> = {}): string {
  const checkExpression = (expression: string): string | null =>
    expression.includes('&&&') ? 'unexpected "&" at position 5' : null;
  const loaded = loadConfig({ files: [{ name: 'sedge.yaml', text }], env, checkExpression });
  return loaded.ok ? 'accepted' : `\n${renderProblems(loaded.problems)}\n`;
}

describe('a mistake in values is told with place, value, what was expected and what was meant', () => {
  test('a number outside of the choices', () => {
    expect(told('sources:\n  line: { type: mqtt, url: mqtt://b, topics: [a], qos: 3 }\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:2:56: sources.line.qos: 3 is not 0, 1 or 2
          2 |   line: { type: mqtt, url: mqtt://b, topics: [a], qos: 3 }
            |                                                        ^
      "
    `);
  });

  test('a misspelt key', () => {
    expect(told('buffer:\n  szie: 1GiB\n  keepFree: 5%\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:3: buffer.szie: unknown key
          2 |   szie: 1GiB
            |   ^^^^
            = did you mean "size"?
      sedge.yaml:3:3: buffer.keepFree: unknown key
          3 |   keepFree: 5%
            |   ^^^^^^^^
            = did you mean "keep_free"?
      "
    `);
  });

  test('a key of another section', () => {
    expect(told('agent:\n  keep_free: 5%\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:3: agent.keep_free: unknown key here; it belongs under buffer
          2 |   keep_free: 5%
            |   ^^^^^^^^^
      "
    `);
  });

  test('a section in the singular, which is a key of another place', () => {
    expect(told('stream: {}\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:1: stream: unknown key
          1 | stream: {}
            | ^^^^^^
            = did you mean "streams"?
      "
    `);
  });

  test('the word of another system', () => {
    expect(told('sources:\n  line:\n    type: mqtt\n    servers: ["tcp://b:1883"]\n    topic: a/b\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:2:3: sources.line.url: is missing; it is a URL such as mqtts://host
          2 |   line:
            |   ^^^^
      sedge.yaml:2:3: sources.line.topics: is missing; it is a list, each item an MQTT topic filter such as plant/+/telemetry
          2 |   line:
            |   ^^^^
      sedge.yaml:4:5: sources.line.servers: unknown key
          4 |     servers: ["tcp://b:1883"]
            |     ^^^^^^^
            = did you mean "url"?
      sedge.yaml:5:5: sources.line.topic: unknown key
          5 |     topic: a/b
            |     ^^^^^
            = did you mean "topics"?
      "
    `);
  });

  test('an unknown section', () => {
    expect(told('outputs: {}\nsourcs: {}\nxyzzy: 1\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:1: outputs: unknown key
          1 | outputs: {}
            | ^^^^^^^
            = did you mean "uplinks"?
      sedge.yaml:2:1: sourcs: unknown key
          2 | sourcs: {}
            | ^^^^^^
            = did you mean "sources"?
      sedge.yaml:3:1: xyzzy: unknown key; keys possible here: agent, sources, streams, buffer, uplinks, api, log, tests
          3 | xyzzy: 1
            | ^^^^^
      "
    `);
  });

  test('sections and stages of a later version', () => {
    const text =
      'mesh: { listen: 0.0.0.0:7435 }\nmodels: {}\nplugins: []\n' +
      'streams:\n  v:\n    stages:\n      - score: { model: m }\n      - window: { every: 10s }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:1: mesh: this version of sedge does not have \`mesh:\` yet
          1 | mesh: { listen: 0.0.0.0:7435 }
            | ^^^^
      sedge.yaml:2:1: models: this version of sedge does not have \`models:\` yet
          2 | models: {}
            | ^^^^^^
      sedge.yaml:3:1: plugins: this version of sedge does not have \`plugins:\` yet
          3 | plugins: []
            | ^^^^^^^
      sedge.yaml:7:9: streams.v.stages[0].score: this version of sedge does not have the stage \`score:\` yet
          7 |       - score: { model: m }
            |         ^^^^^
      "
    `);
  });

  test('bare numbers and loose spellings where a unit is needed', () => {
    const text =
      'buffer: { size: 512M, keep_free: 10, seal: { age: 60 } }\n' +
      'uplinks:\n  cloud: { type: http, url: "https://x", timeout: 30 sec, budget: { rate: 256KB } }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:17: buffer.size: "512M" is not a size with its unit such as 512MiB, 32MiB to 16TiB
          1 | buffer: { size: 512M, keep_free: 10, seal: { age: 60 } }
            |                 ^^^^
            = did you mean "512MiB"?
      sedge.yaml:1:34: buffer.keep_free: 10 is not a percentage or size such as 10% or 1GiB, 0% to 95%
          1 | buffer: { size: 512M, keep_free: 10, seal: { age: 60 } }
            |                                  ^^
            = did you mean "10%"?
      sedge.yaml:1:51: buffer.seal.age: 60 is not a duration with its unit such as 10s or 1h30m, 1s to 1d
          1 | buffer: { size: 512M, keep_free: 10, seal: { age: 60 } }
            |                                                   ^^
            = did you mean "60s"?
      sedge.yaml:3:51: uplinks.cloud.timeout: "30 sec" is not a duration with its unit such as 10s or 1h30m, 100ms to 10m
          3 |   cloud: { type: http, url: "https://x", timeout: 30 sec, budget: { rate: 256KB } }
            |                                                   ^^^^^^
            = did you mean "30s"?
      sedge.yaml:3:75: uplinks.cloud.budget.rate: "256KB" is not a rate with its unit such as 256KiB/s, 100B/s to 1TiB/s
          3 |   cloud: { type: http, url: "https://x", timeout: 30 sec, budget: { rate: 256KB } }
            |                                                                           ^^^^^
            = did you mean "256kB/s"?
      "
    `);
  });

  test('a value out of its range', () => {
    expect(told('buffer: { size: 1KiB }\nstreams: { v: { priority: 11 } }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:17: buffer.size: "1KiB" is less than 32MiB, the least there may be: one commit holds a twelfth of it at most, and a whole message has to fit
          1 | buffer: { size: 1KiB }
            |                 ^^^^
      sedge.yaml:2:27: streams.v.priority: 11 is not a whole number from 0 to 9
          2 | streams: { v: { priority: 11 } }
            |                           ^^
      "
    `);
  });

  test('a truth value of YAML 1.1', () => {
    expect(told('sources: { line: { type: mqtt, url: mqtt://b, topics: [a], clean: yes } }\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:1:67: sources.line.clean: "yes" is not true or false
          1 | sources: { line: { type: mqtt, url: mqtt://b, topics: [a], clean: yes } }
            |                                                                   ^^^
            = did you mean "true"?
      "
    `);
  });

  test('a missing key, a missing type, a wrong type', () => {
    expect(told('sources:\n  a: { type: mqtt, topics: [x] }\n  b: {}\n  c: { type: mqqt }\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:2:3: sources.a.url: is missing; it is a URL such as mqtts://host
          2 |   a: { type: mqtt, topics: [x] }
            |   ^
      sedge.yaml:3:3: sources.b.type: is missing; it is mqtt, broker, http or replay
          3 |   b: {}
            |   ^
      sedge.yaml:4:14: sources.c.type: "mqqt" is not mqtt, broker, http or replay
          4 |   c: { type: mqqt }
            |              ^^^^
            = did you mean "mqtt"?
      "
    `);
  });

  test('a text where a list is needed, and a list without items', () => {
    expect(
      told(
        'sources:\n  a: { type: mqtt, url: mqtt://b, topics: plant/+ }\n  b: { type: mqtt, url: mqtt://b, topics: [] }\n',
      ),
    ).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:43: sources.a.topics: "plant/+" is not a list, each item an MQTT topic filter such as plant/+/telemetry
          2 |   a: { type: mqtt, url: mqtt://b, topics: plant/+ }
            |                                           ^^^^^^^
            = did you mean "[plant/+]"?
      sedge.yaml:3:43: sources.b.topics: is empty; it needs at least one item
          3 |   b: { type: mqtt, url: mqtt://b, topics: [] }
            |                                           ^^
      "
    `);
  });

  test('an entry with nothing in it', () => {
    expect(told('uplinks:\n  cloud:\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:3: uplinks.cloud: is empty; it is a map with \`type:\` http, mqtt or file
          2 |   cloud:
            |   ^^^^^
      "
    `);
  });

  test('a topic filter that MQTT forbids, and a share written into it', () => {
    expect(told('sources:\n  a: { type: mqtt, url: mqtt://b, topics: ["a/#/b", "$share/g/x"] }\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:2:44: sources.a.topics[0]: "a/#/b": # stands alone in the last level of a filter
          2 |   a: { type: mqtt, url: mqtt://b, topics: ["a/#/b", "$share/g/x"] }
            |                                            ^^^^^^^
      sedge.yaml:2:53: sources.a.topics[1]: "$share/g/x": write the filter without $share/GROUP/ and set \`shared_group: GROUP\`
          2 |   a: { type: mqtt, url: mqtt://b, topics: ["a/#/b", "$share/g/x"] }
            |                                                     ^^^^^^^^^^^^
      "
    `);
  });

  test('a topic pattern with a broken tag', () => {
    expect(told('streams:\n  v: { match: "plant/{machine/x" }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:15: streams.v.match: "plant/{machine/x": {name} is a whole level of letters, digits, _ and -, not "{machine"
          2 |   v: { match: "plant/{machine/x" }
            |               ^^^^^^^^^^^^^^^^^^
      "
    `);
  });

  test('URLs of the wrong scheme, and with credentials', () => {
    expect(
      told(
        'uplinks:\n  a: { type: http, url: "ftp://x" }\n  b: { type: http, url: "https://me:hunter2@x" }\n  c: { type: http, url: in.example }\n',
      ),
    ).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:25: uplinks.a.url: "ftp://x": ftp:// is not possible here; use http:// or https://
          2 |   a: { type: http, url: "ftp://x" }
            |                         ^^^^^^^^^
      sedge.yaml:3:25: uplinks.b.url: "https://**********@x": a URL must not hold a user name or password; give them as keys of their own, the password as { secret: NAME }
          3 |   b: { type: http, url: "https://**********@x" }
            |                         ^^^^^^^^^^^^^^^^^^^^^^
      sedge.yaml:4:25: uplinks.c.url: "in.example" is not a URL such as https://host
          4 |   c: { type: http, url: in.example }
            |                         ^^^^^^^^^^
      "
    `);
  });

  test('a secret written out', () => {
    const text =
      'sources:\n  a:\n    type: mqtt\n    url: mqtt://b\n    topics: [x]\n    username: u\n    password: hunter2\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:7:15: sources.a.password: is not a reference { secret: NAME } to a stored secret; its content must not stand in the config
          7 |     password: *******
            |               ^^^^^^^
      "
    `);
  });

  test('an address without a host, and a port that cannot be', () => {
    expect(told('api: { listen: 7433 }\nsources: { b: { type: broker, listen: "127.0.0.1:99999" } }\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:1:16: api.listen: 7433 is not a host and a port such as 127.0.0.1:1883
          1 | api: { listen: 7433 }
            |                ^^^^
            = did you mean "127.0.0.1:7433"?
      sedge.yaml:2:39: sources.b.listen: "127.0.0.1:99999": port 99999 is above 65535
          2 | sources: { b: { type: broker, listen: "127.0.0.1:99999" } }
            |                                       ^^^^^^^^^^^^^^^^^
      "
    `);
  });

  test('stages that do nothing, or two at once', () => {
    const text =
      'streams:\n  v:\n    stages:\n      - deadband: { field: temp }\n      - calibrate: { field: t }\n' +
      '      - { keep: "true", rename: { a: b } }\n      - {}\n      - throttle: 10s\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:4:9: streams.v.stages[0].deadband: has no width: give \`absolute\` or \`percent\`
          4 |       - deadband: { field: temp }
            |         ^^^^^^^^
      sedge.yaml:5:9: streams.v.stages[1].calibrate: changes nothing: give scale, offset or points
          5 |       - calibrate: { field: t }
            |         ^^^^^^^^^
      sedge.yaml:6:9: streams.v.stages[2]: holds 2 stages (keep, rename): write each with its own dash
          6 |       - { keep: "true", rename: { a: b } }
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      sedge.yaml:7:9: streams.v.stages[3]: names no stage: give one of keep, calibrate, select, rename, deadband, throttle, despike, ema, median, rate, savgol, kalman, unit, compress, dedup, alert, resample, vibration, join, window, sketch
          7 |       - {}
            |         ^^
      sedge.yaml:8:19: streams.v.stages[4].throttle: "10s" is not a map with keys every, count, max_series
          8 |       - throttle: 10s
            |                   ^^^
      "
    `);
  });

  test('an expression that is none', () => {
    expect(told("streams:\n  v:\n    stages:\n      - keep: 'a &&& b'\n")).toMatchInlineSnapshot(`
      "
      sedge.yaml:4:15: streams.v.stages[0].keep: "a &&& b": unexpected "&" at position 5
          4 |       - keep: 'a &&& b'
            |               ^^^^^^^^^
      "
    `);
  });

  test('an alarm that has no broker to go to, and an uplink that takes alarms', () => {
    const text =
      'sources:\n  line: { type: mqtt, url: mqtt://b, topics: [a] }\nstreams:\n  v:\n    stages:\n' +
      '      - alert: { when: "true", publish: a, via: lime }\n      - alert: { when: "true", publish: a }\n' +
      '      - alert: { when: "true", publish: a, via: line, into: trouble }\n' +
      'uplinks:\n  cloud: { type: http, url: "http://c", streams: [v, trouble] }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:6:49: streams.v.stages[0].alert.via: "lime" is no source of type mqtt or broker; there are line
          6 |       - alert: { when: "true", publish: a, via: lime }
            |                                                 ^^^^
            = did you mean "line"?
      sedge.yaml:7:41: streams.v.stages[1].alert.publish: has no broker to go to: name a source of type mqtt or broker in \`via\`
          7 |       - alert: { when: "true", publish: a }
            |                                         ^
      "
    `);
  });

  test('stages that send readings into streams of sedge itself', () => {
    const text =
      'streams:\n  a: { stages: [ { alert: { when: "true", into: _dead_letter } } ] }\n' +
      '  b: { stages: [ { window: { every: 10s, into: w, late_into: _late } } ] }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:49: streams.a.stages[0].alert.into: names that begin with _ are kept for streams of sedge itself
          2 |   a: { stages: [ { alert: { when: "true", into: _dead_letter } } ] }
            |                                                 ^^^^^^^^^^^^
      sedge.yaml:3:62: streams.b.stages[0].window.late_into: names that begin with _ are kept for streams of sedge itself
          3 |   b: { stages: [ { window: { every: 10s, into: w, late_into: _late } } ] }
            |                                                              ^^^^^
      "
    `);
  });

  test('stages that send readings in a circle, and into their own stream', () => {
    const stage = (into: string): string => `stages: [ { alert: { when: "true", into: ${into} } } ]`;
    const text =
      `streams:\n  a: { ${stage('b')} }\n  b: { ${stage('c')} }\n  c: { ${stage('b')} }\n` +
      `  alarms: { stages: [ { alert: { when: "true" } } ] }\n`;
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:3:49: streams.b.stages[0].alert.into: leads back: b → c → b; readings would go round for ever
          3 |   b: { stages: [ { alert: { when: "true", into: c } } ] }
            |                                                 ^
      sedge.yaml:4:49: streams.c.stages[0].alert.into: leads back: c → b → c; readings would go round for ever
          4 |   c: { stages: [ { alert: { when: "true", into: b } } ] }
            |                                                 ^
      sedge.yaml:5:25: streams.alarms.stages[0].alert.into: sends readings into the stream they come from
          5 |   alarms: { stages: [ { alert: { when: "true" } } ] }
            |                         ^^^^^
      "
    `);
  });

  test('streams that feed each other in too long a row', () => {
    const streams = Array.from(
      { length: 10 },
      (_, i) => `  s${i}: { stages: [ { window: { every: 1s, into: s${i + 1} } } ] }\n`,
    );
    expect(told(`streams:\n${streams.join('')}`)).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:48: streams.s0.stages[0].window.into: begins a chain of more than 8 streams that feed each other
          2 |   s0: { stages: [ { window: { every: 1s, into: s1 } } ] }
            |                                                ^^
      sedge.yaml:3:48: streams.s1.stages[0].window.into: begins a chain of more than 8 streams that feed each other
          3 |   s1: { stages: [ { window: { every: 1s, into: s2 } } ] }
            |                                                ^^
      "
    `);
    expect(told(`streams:\n${streams.slice(0, 8).join('')}`)).toBe('accepted');
  });

  test('a name that is none', () => {
    expect(told('streams:\n  "my stream": {}\n  constructor: {}\n  _mine: {}\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:3: streams["my stream"]: "my stream" is not a name: letters, digits, _ . and -, at most 64
          2 |   "my stream": {}
            |   ^^^^^^^^^^^
      sedge.yaml:3:3: streams.constructor: "constructor": a word that JavaScript keeps for itself; choose another name
          3 |   constructor: {}
            |   ^^^^^^^^^^^
      sedge.yaml:4:3: streams._mine: names that begin with _ are kept for streams of sedge itself
          4 |   _mine: {}
            |   ^^^^^
      "
    `);
  });

  test('text that YAML takes for something else', () => {
    expect(told('uplinks:\n  hub: { type: mqtt, url: mqtt://h, topic: {agent}, client_id: 7 }\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:2:37: uplinks.hub.topic: a map is not a topic such as site/{agent}/{stream}; put text that begins with { in quotes
          2 |   hub: { type: mqtt, url: mqtt://h, topic: {agent}, client_id: 7 }
            |                                     ^^^^^
      sedge.yaml:2:64: uplinks.hub.client_id: 7 is not an MQTT client id of 1 to 128 characters; put it in quotes
          2 |   hub: { type: mqtt, url: mqtt://h, topic: {agent}, client_id: 7 }
            |                                                                ^
      "
    `);
  });
});

describe('parts that do not fit each other', () => {
  test('a stream from an unknown source, an uplink of an unknown stream', () => {
    const text =
      'sources:\n  line: { type: mqtt, url: mqtt://b, topics: [a] }\nstreams:\n  vibration: { from: [lien] }\n' +
      'uplinks:\n  cloud: { type: http, url: "https://x", streams: [vibrations] }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:4:23: streams.vibration.from[0]: "lien" is no source; there are line
          4 |   vibration: { from: [lien] }
            |                       ^^^^
            = did you mean "line"?
      sedge.yaml:6:52: uplinks.cloud.streams[0]: "vibrations" is no stream; there are vibration
          6 |   cloud: { type: http, url: "https://x", streams: [vibrations] }
            |                                                    ^^^^^^^^^^
            = did you mean "vibration"?
      "
    `);
  });

  test('two listeners on one port', () => {
    expect(told('sources: { b: { type: broker, listen: "0.0.0.0:7433" } }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:39: sources.b.listen: wants port 7433, as api.listen does
          1 | sources: { b: { type: broker, listen: "0.0.0.0:7433" } }
            |                                       ^^^^^^^^^^^^^^
      "
    `);
  });

  test('two listeners of one address; a free port is no conflict, nor is another address', () => {
    const two = (one: string, other: string) =>
      told(
        `sources: { a: { type: broker, listen: "${one}" }, b: { type: broker, listen: "${other}", anonymous: true } }`,
      );
    expect(two('127.0.0.1:1883', '127.0.0.1:1883')).toContain('sources.b.listen: wants port 1883');
    expect(two('127.0.0.1:1883', '127.0.0.2:1883')).toBe('accepted');
    expect(two('127.0.0.1:0', '127.0.0.1:0')).toBe('accepted');
  });

  test('an endpoint that others reach without a token', () => {
    expect(told('api: { listen: "0.0.0.0:7433" }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:16: api.listen: can be reached from other hosts, so \`token: { secret: NAME }\` is required
          1 | api: { listen: "0.0.0.0:7433" }
            |                ^^^^^^^^^^^^^^
      "
    `);
  });

  test('tls without an encrypted scheme, a certificate without its key', () => {
    const text =
      'sources:\n  a: { type: mqtt, url: mqtt://b, topics: [x], tls: { ca: /ca.pem } }\n' +
      'uplinks:\n  c: { type: http, url: "https://x", tls: { cert: /c.pem }, backoff: { min: 1h, max: 1s } }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:48: sources.a.tls: has no effect with mqtt://; use mqtts:// in \`url\`, or remove it
          2 |   a: { type: mqtt, url: mqtt://b, topics: [x], tls: { ca: /ca.pem } }
            |                                                ^^^
      sedge.yaml:4:51: uplinks.c.tls.cert: needs \`key\` beside it
          4 |   c: { type: http, url: "https://x", tls: { cert: /c.pem }, backoff: { min: 1h, max: 1s } }
            |                                                   ^^^^^^
      sedge.yaml:4:77: uplinks.c.backoff.min: is longer than \`max\`
          4 |   c: { type: http, url: "https://x", tls: { cert: /c.pem }, backoff: { min: 1h, max: 1s } }
            |                                                                             ^^
      "
    `);
  });

  test('two sessions of one client id, two writers of one file', () => {
    const text =
      'sources:\n  a: { type: mqtt, url: mqtt://b, topics: [x], client_id: me }\n  b: { type: mqtt, url: mqtt://b, topics: [y], client_id: me }\n' +
      'uplinks:\n  c: { type: file, path: /x }\n  d: { type: file, path: /x }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:3:59: sources.b.client_id: sources.a has the same client id at the same broker
          3 |   b: { type: mqtt, url: mqtt://b, topics: [y], client_id: me }
            |                                                           ^^
      sedge.yaml:6:26: uplinks.d.path: uplinks.c writes the same file
          6 |   d: { type: file, path: /x }
            |                          ^^
      "
    `);
  });

  test('a secret in a header', () => {
    expect(told('uplinks: { c: { type: http, url: "https://x", headers: { X-Api-Key: abc } } }\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:1:69: uplinks.c.headers.X-Api-Key: holds a secret: write { secret: NAME }
          1 | uplinks: { c: { type: http, url: "https://x", headers: { X-Api-Key: *********
            |                                                                     ^^^
      "
    `);
  });

  test('a test case of an unknown stream, with a time that is none', () => {
    expect(told('tests: [{ name: t, stream: v, input: [{ topic: a, payload: 1, at: yesterday }] }]\n'))
      .toMatchInlineSnapshot(`
      "
      sedge.yaml:1:28: tests[0].stream: "v" is no stream; there is no stream
          1 | tests: [{ name: t, stream: v, input: [{ topic: a, payload: 1, at: yesterday }] }]
            |                            ^
      sedge.yaml:1:67: tests[0].input[0].at: "yesterday" is no time
          1 | tests: [{ name: t, stream: v, input: [{ topic: a, payload: 1, at: yesterday }] }]
            |                                                                   ^^^^^^^^^
      "
    `);
  });

  test('options of another decoder', () => {
    expect(told('streams: { v: { decode: { format: json, delimiter: ";" } } }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:52: streams.v.decode.delimiter: format json has no delimiter; it is for csv
          1 | streams: { v: { decode: { format: json, delimiter: ";" } } }
            |                                                    ^^^
      "
    `);
  });
});

describe('text that is not even YAML, or not only', () => {
  test('a tab, a missing quote, a second colon', () => {
    expect(told('buffer:\n\tsize: 1GiB\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:1: is indented with a tab; YAML wants spaces
          2 | 	size: 1GiB
            | ^
      "
    `);
    expect(told('agent: { id: "gw-7 }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:14: begins a quote that is never closed
          1 | agent: { id: "gw-7 }
            |              ^
      "
    `);
    expect(told('agent:\n  id: a: b\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:7: has a second ": " on the line; put text that contains ": " in quotes
          2 |   id: a: b
            |       ^
      "
    `);
  });

  test('a key twice, an unknown alias, a second document', () => {
    expect(told('buffer: { size: 1GiB }\nagent: {}\nbuffer: { size: 2GiB }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:3:1: buffer: is defined twice: first at line 1
          3 | buffer: { size: 2GiB }
            | ^^^^^^
      "
    `);
    expect(told('agent: *gateway\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:8: agent: is an alias of "gateway", which is not defined before it
          1 | agent: *gateway
            |        ^^^^^^^^
      "
    `);
    expect(told('agent: {}\n---\nbuffer: {}\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:1: begins a second document: put everything into one, or into files of conf.d
          2 | ---
            | ^
      "
    `);
  });

  test('a bracket that is never closed', () => {
    expect(told('buffer: { size: 64MiB\nuplinks: {}\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:1: begins before the { above is closed; is a } missing there?
          2 | uplinks: {}
            | ^
      "
    `);
    expect(told('agent: [1, 2\nbuffer: {}\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:1: begins before the [ above is closed; is a ] missing there?
          2 | buffer: {}
            | ^
      "
    `);
  });

  test('a bare number that quotes would not mend', () => {
    expect(told('buffer: { size: 64 }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:17: buffer.size: 64 is not a size with its unit such as 512MiB, 32MiB to 16TiB
          1 | buffer: { size: 64 }
            |                 ^^
      "
    `);
    expect(told('agent: { id: 7 }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:14: agent.id: 7 is not a name: letters, digits, _ . and -, at most 64; put it in quotes
          1 | agent: { id: 7 }
            |              ^
      "
    `);
  });

  test('a variable without quotes where { ends it', () => {
    expect(told('agent: { site: ${SITE} }\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:17: ends in the middle of a \${…}; within { } and [ ] put it in quotes
          1 | agent: { site: \${SITE} }
            |                 ^
      "
    `);
  });

  test('an item of a list in a stage', () => {
    const text = 'streams:\n  v: { stages: [{ window: { every: 10s, emit: [p99, meen] } }] }\n';
    const loaded = loadConfig({
      files: [{ name: 'sedge.yaml', text }],
      env: {},
      checkExpression: () => null,
      checkStages: () => [{ stage: 0, path: 'window.emit.1', message: 'there is no "meen"' }],
    });

    expect(loaded.ok ? '' : `\n${renderProblems(loaded.problems)}\n`).toMatchInlineSnapshot(`
      "
      sedge.yaml:2:53: streams.v.stages[0].window.emit[1]: there is no "meen"
          2 |   v: { stages: [{ window: { every: 10s, emit: [p99, meen] } }] }
            |                                                     ^^^^
      "
    `);
  });

  test('a list instead of sections', () => {
    expect(told('- a\n- b\n')).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:1: is not a configuration: it begins with a map of sections such as \`sources:\`
          1 | - a
            | ^
      "
    `);
  });
});

describe('variables', () => {
  test('one that is not set, one with a message, a broken reference', () => {
    const text = 'agent: { id: "${GATEWAY}", site: "${SITE:?set SITE in /etc/default/sedge}", data: "${" }\n';
    expect(told(text)).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:14: agent.id: needs the variable GATEWAY, which is not set; write \${GATEWAY:-default} to allow for that
          1 | agent: { id: "\${GATEWAY}", site: "\${SITE:?set SITE in /etc/default/sedge}", data: "\${" }
            |              ^^^^^^^^^^^^
      sedge.yaml:1:34: agent.site: needs the variable SITE, which is not set: set SITE in /etc/default/sedge
          1 | agent: { id: "\${GATEWAY}", site: "\${SITE:?set SITE in /etc/default/sedge}", data: "\${" }
            |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      sedge.yaml:1:83: agent.data: has a "\${" that is no reference: write \${NAME}, \${NAME:-default} or \${NAME:?message}, or $\${ for the characters
          1 | agent: { id: "\${GATEWAY}", site: "\${SITE:?set SITE in /etc/default/sedge}", data: "\${" }
            |                                                                                   ^^^^
      "
    `);
  });

  test('a wrong content is not shown, it might be a secret', () => {
    expect(told('buffer: { size: "${SIZE}" }\n', { SIZE: 'hunter2' })).toMatchInlineSnapshot(`
      "
      sedge.yaml:1:17: buffer.size: \${SIZE} is not a size with its unit such as 512MiB, 32MiB to 16TiB
          1 | buffer: { size: "\${SIZE}" }
            |                 ^^^^^^^^^
      "
    `);
  });

  test('an override that is wrong', () => {
    expect(told('', { SEDGE__BUFFER__SIZE: '5', SEDGE__LOG__LEVL: 'info' })).toMatchInlineSnapshot(`
      "
      SEDGE__BUFFER__SIZE:1:1: buffer.size: $SEDGE__BUFFER__SIZE is not a size with its unit such as 512MiB, 32MiB to 16TiB
          1 | 5
            | ^
      SEDGE__LOG__LEVL:1:1: log.levl: unknown key
          1 | info
            | ^
            = did you mean "level"?
      "
    `);
  });
});
