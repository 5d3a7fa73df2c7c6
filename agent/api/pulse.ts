import { expositionTypes, negotiateExposition, renderMetrics } from '../operate/exposition.ts';
import type { Health, PartHealth } from '../operate/health.ts';
import type { HostFigures } from '../operate/host-figures.ts';
import type { MetricsRegistry } from '../operate/metrics-registry.ts';
import type { Pulse } from './agent-view.ts';
import type { HostJson, PartJson } from './contract.ts';

/** Health and metrics of this agent for `/readyz` and `/metrics`. */
export function pulseOf(health: Health, metrics: MetricsRegistry): Pulse {
  return {
    readiness: () => ({ ready: health.ready, parts: health.parts().map(partJson) }),
    metrics: (accept) => {
      const format = negotiateExposition(accept);
      metrics.countOverflow();
      return { type: expositionTypes[format], text: renderMetrics(metrics.metrics(), format) };
    },
  };
}

export function partJson(part: PartHealth): PartJson {
  const since = new Date(Math.floor(part.since / 1_000)).toISOString();
  return { name: part.name, state: part.state, reason: part.reason, since, needed: part.needed };
}

/** `null`: no sample was taken yet. */
export function hostJson(figures: HostFigures | null): HostJson {
  return {
    model: figures?.model ?? null,
    temperature_celsius: figures?.temperatureCelsius ?? null,
    throttled: figures?.throttled ?? [],
    disk_free_bytes: figures?.diskFreeBytes ?? null,
    disk_size_bytes: figures?.diskSizeBytes ?? null,
    memory_available_bytes: figures?.memoryAvailableBytes ?? null,
    memory_size_bytes: figures?.memorySizeBytes ?? null,
    load_ratio: figures?.loadRatio ?? null,
    cpu_busy_ratio: figures?.cpuBusyRatio ?? null,
    uptime_seconds: figures?.uptimeSeconds ?? null,
    process_memory_bytes: figures?.process.residentBytes ?? null,
  };
}
