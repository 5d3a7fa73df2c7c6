import { messageOf } from '../base/errors.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** A request was answered. `route` is a pattern of the table, never a path. */
export function requestAnswered(
  telemetry: Telemetry,
  answered: { route: string; status: number; seconds: number },
): void {
  telemetry.count('api_requests', {
    route: answered.route,
    status: `${Math.floor(answered.status / 100)}xx`,
  });
  telemetry.observe('api_request_seconds', answered.seconds, { route: answered.route });
}

/** Somebody was turned away at the door. */
export function callRefused(
  telemetry: Telemetry,
  refused: { reason: 'host' | 'origin' | 'token' | 'busy'; remote: string; message: string },
): void {
  telemetry.count('api_refused', { reason: refused.reason });
  if (refused.reason === 'busy') return;
  telemetry.log('warning', 'api_call_refused', refused.message, {
    reason: refused.reason,
    remote: refused.remote,
  });
}

/** A route threw what is neither misuse nor weather. */
export function routeFailed(telemetry: Telemetry, route: string, error: unknown): void {
  telemetry.log('error', 'api_route_failed', `${route} failed: ${messageOf(error)}`, { route });
}

export function tapOpened(telemetry: Telemetry, open: number): void {
  telemetry.gauge('api_taps', open);
}

export function tapClosed(telemetry: Telemetry, open: number): void {
  telemetry.gauge('api_taps', open);
}

/** A tap's reader was too slow and was closed. */
export function tapDropped(telemetry: Telemetry, remote: string): void {
  telemetry.count('api_taps_dropped');
  telemetry.log('notice', 'api_tap_dropped', 'a live tap was closed: its reader was too slow', { remote });
}
