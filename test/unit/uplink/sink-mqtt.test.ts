import { expect, test } from 'vitest';
import type { OutgoingMessage, PublishAnswer, Publisher } from '#agent/ports/publisher.ts';
import { MqttSink } from '#agent/uplink/sink-mqtt.ts';

class Recorder implements Publisher {
  readonly published: OutgoingMessage[] = [];

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  publish(message: OutgoingMessage): Promise<PublishAnswer> {
    this.published.push(message);
    return Promise.resolve({ ok: true });
  }
}

test('a publish says whose readings it holds, of which epoch, and which', async () => {
  const publisher = new Recorder();
  const sink = new MqttSink({ topic: 'site/{agent}/{stream}' }, { publisher });
  const batch = { agent: 'gw-7', epoch: '9f3a5c0012ab34cd', stream: 'hall/temp', first: 100, last: 119 };

  const outcome = await sink.send({ ...batch, fidelity: 'raw', count: 18, body: new Uint8Array(7) });

  expect(outcome).toEqual({ kind: 'taken', bytes: 7 });
  expect(publisher.published).toMatchObject([
    {
      topic: 'site/gw-7/hall/temp',
      userProperties: {
        agent: 'gw-7',
        epoch: '9f3a5c0012ab34cd',
        stream: 'hall/temp',
        first: '100',
        count: '18',
      },
    },
  ]);
});
