import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { expect, test } from 'vitest';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { Mosquitto, mosquittoMissing } from '#test/support/mosquitto.ts';
import { untilGood } from '#test/support/until.ts';

test.skipIf(mosquittoMissing !== null)(
  `an alarm reaches whoever listens at the broker, though the uplink is away (${mosquittoMissing ?? 'mosquitto'})`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-alarm-'));
    const broker = new Mosquitto({ folder });
    await broker.start();
    const file = join(folder, 'sedge.yaml');
    writeFileSync(
      file,
      `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { line: { type: mqtt, url: "mqtt://127.0.0.1:${broker.port}", topics: ["plant/+/m"] } }
streams:
  s:
    from: [line]
    match: "plant/{plant}/m"
    stages: [ { alert: { when: 'reading.temp > 3.0', name: hot, publish: "alarm/{plant}" } } ]
uplinks: { cloud: { type: http, url: "http://127.0.0.1:9/", streams: ["s", "alarms"] } }
api: { listen: "127.0.0.1:0" }
`,
    );
    const listener = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    const heard: string[] = [];
    listener.on('message', (topic, payload) => {
      const { alarm, state } = JSON.parse(payload.toString()) as { alarm: string; state: string };
      heard.push(`${topic} ${alarm} ${state}`);
    });
    await listener.subscribeAsync('alarm/#', { qos: 1 });
    const agent = new AgentProcess({ config: file });
    await agent.start();
    try {
      // The session at the broker exists once the agent is subscribed; until then nobody takes what is published.
      await untilGood(
        'both alarms',
        async () => {
          await listener.publishAsync('plant/p1/m', '{"temp": 5}', { qos: 1 });
          await listener.publishAsync('plant/p1/m', '{"temp": 1}', { qos: 1 });
          return heard.length;
        },
        (count) => count >= 2,
      );

      expect(heard.slice(0, 2)).toEqual(['alarm/p1 hot raised', 'alarm/p1 hot cleared']);
    } finally {
      await agent.stop();
      await listener.endAsync();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
