import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { AgentProcess } from '#agent/host/agent-process.ts';
import { Mosquitto, mosquittoMissing } from '#test/support/mosquitto.ts';
import { pause, until } from '#test/support/until.ts';
import { linesOnce } from '#test/support/lines-once.ts';

const total = 40_000;
const machines = 10;
const kills = 5;
const epochMs = Date.UTC(2026, 0, 1);

interface Line {
  readonly epoch: string;
  readonly stream: string;
  readonly offset: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

it.skipIf(mosquittoMissing !== null)(
  `windows of a stream from mosquitto end with what was published, through ${kills} kills${mosquittoMissing === null ? '' : ` (${mosquittoMissing})`}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-windows-'));
    const out = join(folder, 'out.ndjson');
    const mosquitto = new Mosquitto({ folder });
    await mosquitto.start();
    const url = `mqtt://127.0.0.1:${mosquitto.port}`;
    writeFileSync(
      join(folder, 'sedge.yaml'),
      `agent: { id: gw, data: ${join(folder, 'data')} }
sources: { line: { type: mqtt, url: "${url}", topics: ["line/+"], qos: 1 } }
streams:
  line:
    from: [line]
    match: "line/{machine}"
    decode: { format: json, time: ts, time_unit: ms }
    stages:
      - window: { every: 10s, emit: [count, sum], idle: 1h, into: windows }
uplinks: { out: { type: file, path: ${out}, streams: [windows] } }
api: { listen: "127.0.0.1:0" }
`,
    );
    const agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
    await agent.start();
    await until('the agent to subscribe', () => mosquitto.log.includes('line/+'));
    const client = await mqtt.connectAsync(url);
    try {
      let sent = 0;
      const publish = (topic: number, ts: number, v: number): void =>
        void client.publish(`line/m${topic}`, JSON.stringify({ ts, v }), { qos: 1 }, () => sent++);
      const flood = (async () => {
        for (let i = 0; i < total; i++) {
          if (i - sent > 2000) await until('the broker to take some', () => i - sent < 1000);
          publish(i % machines, epochMs + Math.floor(i / machines) * 100, i);
        }
      })();
      for (let kill = 0; kill < kills; kill++) {
        await until('a part to be published', () => sent > (kill * total) / (kills + 1) + 1000);
        await pause(100);
        await agent.kill();
        await agent.start();
      }
      await flood;
      await until('all to be published', () => sent === total);
      for (let machine = 0; machine < machines; machine++) publish(machine, epochMs + 36_000_000, 0);
      const windows = total / machines / 100;
      await until('all windows to arrive', () => linesOnce<Line>(out).length >= windows * machines, 120_000);

      const lines = linesOnce<Line>(out);
      expect(lines).toHaveLength(windows * machines);
      expect(lines.every(({ values }) => values['v.count'] === 100)).toBe(true);
      const sum = lines.reduce((all, { values }) => all + values['v.sum']!, 0);
      expect(sum).toBe((total * (total - 1)) / 2);
    } finally {
      await client.endAsync(true);
      await agent.kill();
      await mosquitto.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  300_000,
);
