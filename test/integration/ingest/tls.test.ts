import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatusJson } from '#agent/api/contract.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { type Certificates, makeCertificates, opensslMissing } from '#test/support/certificates.ts';
import { Mosquitto, mosquittoMissing } from '#test/support/mosquitto.ts';
import { until } from '#test/support/until.ts';

let folder: string;
let certificates: Certificates;
const undo: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-tls-'));
  if (opensslMissing === null) certificates = makeCertificates(folder);
});
afterEach(async () => {
  for (const one of undo.splice(0).toReversed()) await one();
  rmSync(folder, { recursive: true, force: true });
});

async function agentWith(
  sources: string,
  name = 'gw',
): Promise<{
  listen: Readonly<Record<string, string>>;
  agent: AgentProcess;
  status: () => Promise<StatusJson>;
}> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `agent: { id: ${name}, data: ${join(folder, name)} }
sources:
${sources}
streams: { s: { from: [in], match: "s/{machine}", decode: { format: json } } }
api: { listen: "127.0.0.1:0" }
`,
  );
  const agent = new AgentProcess({ config: file });
  undo.push(() => agent.kill());
  const { listen } = await agent.start();
  const status = async (): Promise<StatusJson> =>
    (await (await fetch(`http://${listen['api']}/v1/status`)).json()) as StatusJson;
  return { listen, agent, status };
}

const received = async (status: () => Promise<StatusJson>): Promise<number> =>
  (await status()).streams.find(({ name }) => name === 's')?.received ?? 0;

/** The status of a POST over TLS, or the code of what went wrong. */
function post(address: string, tls: { ca: string; cert?: string; key?: string }): Promise<number | string> {
  const [host, port] = address.split(':') as [string, string];
  return new Promise((resolve) => {
    const read = (path: string | undefined): Buffer | undefined =>
      path === undefined ? path : readFileSync(path);
    const options = { host, port, method: 'POST', path: '/v1/ingest/s', agent: false } as const;
    const sent = request(
      { ...options, ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key) },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end('{"v":1}');
  });
}

describe.skipIf(opensslMissing !== null)(`HTTP ingest over TLS${opensslMissing ?? ''}`, () => {
  it('takes readings of clients with a certificate of its authority, and of nobody else', async () => {
    const { ca, server, client } = certificates;
    const { listen, status } = await agentWith(
      `  in: { type: http, listen: "127.0.0.1:0", tls: { cert: ${server.cert}, key: ${server.key}, client_ca: ${ca} } }`,
    );
    const address = listen['source:in']!;

    expect(await post(address, { ca, ...client })).toBe(204);
    expect(await post(address, { ca })).toMatch(/ERR_SSL|ECONNRESET|EPIPE/);
    expect(await received(status)).toBe(1);
  });
});

const missing = opensslMissing ?? mosquittoMissing;

describe.skipIf(missing !== null)(`a real mosquitto${missing === null ? '' : `: ${missing}`}`, () => {
  const published = async (broker: Mosquitto, count: number): Promise<void> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    undo.push(() => client.endAsync(true));
    for (let i = 0; i < count; i++) await client.publishAsync(`s/m${i}`, `{"v":${i}}`, { qos: 1 });
  };

  it.each(['mqtts', 'wss'])('is read over %s with a client certificate, and not without', async (scheme) => {
    const { ca, server, client } = certificates;
    const broker = new Mosquitto({
      folder,
      secure: {
        protocol: scheme === 'wss' ? 'websockets' : 'mqtt',
        ca,
        ...server,
      },
    });
    undo.push(() => broker.stop());
    await broker.start();
    const source = (tls: string): string =>
      `  in: { type: mqtt, url: "${scheme}://127.0.0.1:${broker.securePort}", topics: [s/#], tls: { ${tls} }, backoff: { min: 50ms, max: 100ms } }`;

    const bare = await agentWith(source(`ca: ${ca}`), 'bare');
    await until('a refusal', async () => {
      const [one] = (await bare.status()).sources;
      return one!.state !== 'ok' && /no connection.*: ./.test(one!.words);
    });
    const right = await agentWith(source(`ca: ${ca}, cert: ${client.cert}, key: ${client.key}`), 'right');
    await until('a connection', async () => (await right.status()).sources[0]!.state === 'ok');
    await until('a subscription', () => broker.log.includes('s/#'));
    await published(broker, 20);

    await until('all readings', async () => (await received(right.status)) === 20);
    expect(await received(bare.status)).toBe(0);
    expect((await bare.status()).sources[0]!.state).not.toBe('ok');
  });

  it('shares a subscription between two agents, each message to one of them', async () => {
    const broker = new Mosquitto({ folder });
    undo.push(() => broker.stop());
    await broker.start();
    const source = `  in: { type: mqtt, url: "mqtt://127.0.0.1:${broker.port}", topics: [s/#], shared_group: g }`;
    const two = [await agentWith(source, 'one'), await agentWith(source, 'two')];
    for (const { status } of two) {
      await until('a connection', async () => (await status()).sources[0]!.state === 'ok');
    }
    await until('both subscriptions', () => broker.log.split('$share/g/s/#').length > 2);

    await published(broker, 40);

    await until('all readings', async () => {
      const counts = await Promise.all(two.map(({ status }) => received(status)));
      return counts[0]! + counts[1]! >= 40;
    });
    const counts = await Promise.all(two.map(({ status }) => received(status)));
    expect(counts[0]! + counts[1]!).toBe(40);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });
});
