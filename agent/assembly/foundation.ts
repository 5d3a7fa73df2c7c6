import type { Config } from '../config/schema/config.ts';
import { HostClock } from '../host/clock.ts';
import { HostClockWatch } from '../host/clock-watch.ts';
import { HostEntropy } from '../host/entropy.ts';
import { HostFiguresReader } from '../host/host-figures.ts';
import { logDestination, LogStream } from '../host/log-stream.ts';
import { serviceManagerOf } from '../host/sd-notify.ts';
import { AgentClock } from '../operate/agent-clock.ts';
import { AgentTelemetry } from '../operate/agent-telemetry.ts';
import { buildDescribed } from '../operate/events.ts';
import { Health } from '../operate/health.ts';
import { HostSampler } from '../operate/host-figures.ts';
import { Log } from '../operate/log.ts';
import type { LogFormat } from '../operate/log-line.ts';
import { metricCatalogue } from '../operate/metric-catalogue.ts';
import { MetricsRegistry } from '../operate/metrics-registry.ts';
import { Progress } from '../operate/progress.ts';
import { Supervision } from '../operate/supervision.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** What every room stands on: time, chance, and the means to tell. */
export interface Foundation {
  readonly clock: AgentClock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly health: Health;
  readonly progress: Progress;
  readonly supervision: Supervision;
  readonly host: HostSampler;
}

export function layFoundation(
  config: Config,
  { environment, version }: { environment: Readonly<Record<string, string | undefined>>; version: string },
): Foundation {
  const vouched = config.agent.clock === 'trusted';
  const clock = new AgentClock({ host: new HostClock(), watch: new HostClockWatch(), vouched });
  const destination = logDestination(environment, process.stderr);
  const log = new Log({
    clock,
    sink: new LogStream(process.stderr),
    format: logFormat(config.log.format, {
      journal: destination.isJournal,
      terminal: process.stderr.isTTY,
    }),
    colour: destination.hasColour,
    level: config.log.level,
  });
  const metrics = new MetricsRegistry(metricCatalogue);
  const telemetry = new AgentTelemetry(log, metrics);
  buildDescribed(telemetry, { version, node: process.version.slice(1), arch: process.arch });
  const progress = new Progress(clock);
  const manager = serviceManagerOf({ environment, pid: process.pid });
  return {
    clock,
    entropy: new HostEntropy(),
    telemetry,
    log,
    metrics,
    health: new Health(clock, telemetry),
    progress,
    supervision: new Supervision({ clock, manager, progress, telemetry }),
    host: new HostSampler({
      clock,
      source: new HostFiguresReader({ dataFolder: config.agent.data }),
      telemetry,
      metrics,
    }),
  };
}

function logFormat(
  wanted: Config['log']['format'],
  where: { journal: boolean; terminal: boolean },
): LogFormat {
  if (wanted !== 'auto') return wanted;
  if (where.journal) return 'journald';
  return where.terminal ? 'pretty' : 'logfmt';
}
