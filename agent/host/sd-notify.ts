import { execFile } from 'node:child_process';
import { type Millis, millis } from '../base/units.ts';
import { noServiceManager, type ServiceManager } from '../operate/service-manager.ts';
import { openUnixDatagram, type UnixDatagram } from './ffi.ts';

export interface SdNotifyOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** How the socket is opened; null makes the command the way out. */
  readonly open?: (path: string) => UnixDatagram | null;
}

/**
 * systemd's notify protocol, or {@link noServiceManager} where nobody asked for it. By ffi a message leaves from this
 * process, as `NotifyAccess=main` demands; the `systemd-notify` command is the way out, and needs `NotifyAccess=all`.
 */
export function serviceManagerOf(options: SdNotifyOptions): ServiceManager {
  const path = options.environment['NOTIFY_SOCKET'];
  if (path === undefined || !/^[/@]/.test(path)) return noServiceManager;
  const socket = (options.open ?? openUnixDatagram)(path);
  return {
    watchdogMs: watchdogMsOf(options),
    notify: (assignments) => {
      if (socket === null) notifyByCommand(assignments);
      else socket.send(Buffer.from(assignments.join('\n')));
    },
    monotonicMicros: () => process.hrtime.bigint() / 1_000n,
  };
}

/** $WATCHDOG_USEC, when it is meant for this process (sd_watchdog_enabled(3)). */
function watchdogMsOf({ environment, pid }: SdNotifyOptions): Millis | null {
  const micros = Number(environment['WATCHDOG_USEC'] ?? '');
  const meant = environment['WATCHDOG_PID'];
  if (!Number.isSafeInteger(micros) || micros <= 0) return null;
  return meant === undefined || meant === String(pid) ? millis(micros / 1_000) : null;
}

/** Two seconds are far more than the command takes; it must not pile up. */
const commandMs = 2_000;

function notifyByCommand(assignments: readonly string[]): void {
  const child = execFile(
    'systemd-notify',
    ['--no-block', ...assignments],
    { timeout: commandMs },
    () => undefined,
  );
  child.unref();
}
