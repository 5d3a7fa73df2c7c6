import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LedgerJson } from '#agent/api/contract.ts';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { until } from '#test/support/until.ts';

let folder: string;
let agent: AgentProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-alarm-'));
});
afterEach(async () => {
  await agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

it('an alarm reaches a subscriber at the embedded broker, though the uplink is away', async () => {
  const config = join(folder, 'sedge.yaml');
  writeFileSync(
    config,
    `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { sensors: { type: broker, listen: "127.0.0.1:0", anonymous: true } }
streams:
  s:
    from: [sensors]
    match: "plant/{plant}/m"
    stages: [ { alert: { when: 'reading.temp > 3.0', name: hot, publish: "alarm/{plant}" } } ]
  alarms: { stages: [ { select: { fields: ["alarm.*"] } }, { keep: 'reading["alarm.state"] == "raised"' } ] }
uplinks: { cloud: { type: http, url: "http://127.0.0.1:9/", streams: ["*"] } }
api: { listen: "127.0.0.1:0" }
`,
  );
  agent = new AgentProcess({ config });
  const { listen } = await agent.start();
  const client = await mqtt.connectAsync(`mqtt://${listen['source:sensors']}`, { protocolVersion: 5 });
  const heard: string[] = [];
  client.on('message', (topic, payload, packet) => {
    const { alarm, state, values } = JSON.parse(payload.toString()) as Record<string, unknown>;
    const { contentType, userProperties } = packet.properties ?? {};
    const stream = JSON.stringify(userProperties);
    heard.push([topic, alarm, state, JSON.stringify(values), packet.qos, contentType, stream].join(' '));
  });
  await client.subscribeAsync('alarm/#', { qos: 1 });

  await client.publishAsync('plant/p1/m', '{"temp": 5}', { qos: 1 });
  await client.publishAsync('plant/p1/m', '{"temp": 1}', { qos: 1 });
  await until('both alarms', () => heard.length >= 2);

  const rest = '1 application/json {"stream":"s"}';
  expect(heard).toEqual([
    `alarm/p1 hot raised {"temp":5} ${rest}`,
    `alarm/p1 hot cleared {"temp":1} ${rest}`,
  ]);
  await client.endAsync();

  // What the alert sent went through the stages of the stream it went to.
  const ledger = (await (await fetch(`http://${listen['api']}/v1/ledger`)).json()) as LedgerJson;
  expect(ledger.balanced).toBe(true);
  expect(ledger.streams.find(({ stream }) => stream === 'alarms')).toMatchObject({
    received: 2,
    buffered: 1,
  });
});
