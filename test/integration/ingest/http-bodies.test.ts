import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { limits as httpBounds } from '#agent/api/limits.ts';
import { MiB } from '#agent/base/units.ts';
import { HostClock } from '#agent/host/clock.ts';
import { HostHttpServer } from '#agent/host/http-server.ts';
import { HttpIngest } from '#agent/ingest/http-ingest.ts';
import { limits } from '#agent/ingest/limits.ts';
import { intakeRig } from '#test/support/mqtt-fakes.ts';
import { until } from '#test/support/until.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).toReversed()) await one();
});

describe('bodies over many connections', () => {
  it('take no more memory than their credit and the intake’s, however many come at once', async () => {
    const bodyBytes = 4 * MiB;
    const rig = intakeRig();
    const http = new HttpIngest(
      {
        name: 'push',
        ack: 'fsynced',
        path: '/v1/ingest',
        token: null,
        bodyBytesMax: 2 * bodyBytes,
        inflatedBytesMax: 2 * bodyBytes,
      },
      {
        intake: rig.intake,
        clock: new HostClock(),
        telemetry: rig.telemetry,
        hasStream: () => true,
      },
    );
    http.start();
    const server = new HostHttpServer({ host: '127.0.0.1', port: 0, handler: http, bounds: httpBounds });
    await server.start();
    undo.push(() => server.stop(50));
    const body = Buffer.alloc(bodyBytes, 'x');
    const before = process.memoryUsage().arrayBuffers;
    // What node:http reads ahead of bodies nobody reads, and pieces read that were not collected yet; all bodies are 240 MiB.
    const slack = 32 * MiB;
    let peak = 0;
    let peakCredit = 0;

    // All but the last byte of each: every body stays unfinished, and no room is given back.
    const sockets: Socket[] = [];
    for (let i = 0; i < 60; i++) {
      const socket = connect(server.address!.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(`POST /v1/ingest/a HTTP/1.1\r\nhost: a\r\ncontent-length: ${bodyBytes}\r\n\r\n`);
      socket.write(body.subarray(1));
      sockets.push(socket);
    }
    undo.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    const samples = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
      peakCredit = Math.max(peakCredit, rig.intake.bodies.bytes);
    }, 5);
    undo.push(() => clearInterval(samples));
    await until('the others wait', () => rig.intake.bodies.waiting >= 50);
    await until('four were read', () => sockets.filter((socket) => socket.writableLength === 0).length >= 4);

    expect(peakCredit).toBeLessThanOrEqual(limits.httpBodiesBytes);
    expect(peak).toBeLessThanOrEqual(limits.httpBodiesBytes + slack);

    // Those that were let in end, are offered, and give their room to the next, until the intake is full.
    for (const socket of sockets) socket.write('x');
    await until('the intake is full', () => rig.intake.inspect().bytes >= limits.inletBytes);
    expect(peak).toBeLessThanOrEqual(limits.httpBodiesBytes + limits.intakeBytes + slack);
  });
});
