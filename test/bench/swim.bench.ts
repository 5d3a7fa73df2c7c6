import {
  joinedSite,
  measureDetection,
  measureDissemination,
  measureSteady,
  percentile,
} from '#test/simulation/swim/measure.ts';
import type { Bench, BenchResult } from './bench.ts';

/** Serf 0.9.4, LAN profile, thirty agents on loopback, measured by us on a development machine. */
const serf = { killedMs: 7_300, eventMs: 412, cpuMsPerSecond: 1.1 };
const size = 30;

function deaths(refusing: boolean): number {
  const spans = [1, 2, 3, 4, 5].map((seed) => {
    const site = joinedSite({ seed, size, loss: 0 });
    return measureDetection(site, { index: size - 1, refusing }).allMs;
  });
  return percentile(
    spans.sort((a, b) => a - b),
    0.5,
  );
}

/** Virtual time: these do not depend on the machine, only on the protocol. */
function protocol(): BenchResult[] {
  const spans = measureDissemination(joinedSite({ seed: 1, size: 50, loss: 0.3 }), 100);
  const shared = { unit: 'ms', lowerIsBetter: true };
  const killed = { reference: serf.killedMs, referenceName: 'serf 0.9.4, kill -9' };
  return [
    { ...shared, ...killed, name: 'process death known to all of 30', figure: deaths(true), budget: 1_500 },
    { ...shared, ...killed, name: 'silent death known to all of 30', figure: deaths(false) },
    {
      ...shared,
      name: 'news to all of 50 at 30 % loss, p99',
      figure: percentile(spans, 0.99),
      budget: 1_500,
      reference: serf.eventMs,
      referenceName: 'serf 0.9.4, 30 agents, no loss, slowest of 5',
    },
  ];
}

/** Real time: what the machine costs while nothing happens, the simulated network and codec included. */
function idle(agents: number): { readonly cpuMs: number; readonly messages: number; readonly bytes: number } {
  const site = joinedSite({ seed: 1, size: agents, loss: 0 });
  measureSteady(site, 30_000);
  const start = performance.now();
  const steady = measureSteady(site, 120_000);
  const cpuMs = (performance.now() - start) / 120 / agents;
  return { cpuMs, messages: steady.messagesPerSecond, bytes: steady.bytesPerSecond };
}

function cost(): BenchResult[] {
  const [few, many] = [idle(5), idle(size)];
  const shared = { lowerIsBetter: true, referenceName: 'the same in a site of 5' };
  return [
    {
      name: 'CPU of an idle agent among 30',
      figure: many.cpuMs,
      unit: 'ms/s',
      budget: 2,
      lowerIsBetter: true,
      reference: serf.cpuMsPerSecond,
      referenceName: 'serf 0.9.4, with its sockets',
    },
    {
      ...shared,
      name: 'messages of an idle agent among 30',
      figure: many.messages,
      unit: 'messages/s',
      reference: few.messages,
    },
    {
      ...shared,
      name: 'bytes of an idle agent among 30',
      figure: many.bytes,
      unit: 'byte/s',
      reference: few.bytes,
    },
  ];
}

export const benches: readonly Bench[] = [
  { name: 'swim protocol', run: protocol },
  { name: 'swim cost', run: cost },
];
