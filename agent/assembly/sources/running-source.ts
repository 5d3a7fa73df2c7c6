import type { BrokerMessage } from '../../ports/broker.ts';
import type { Secrets } from '../../host/secrets.ts';
import type { Intake } from '../../ingest/intake.ts';
import type { MarkKeeper } from '../../ingest/mark-keeper.ts';
import type { Foundation } from '../foundation.ts';

/** A running source, whatever its kind. */
export interface RunningSource {
  readonly name: string;
  readonly type: string;
  /** Address bound, for sources that listen. */
  readonly listen: string | null;
  start(): Promise<void>;
  /** No new messages are taken; what was taken still settles. */
  hold(): Promise<void>;
  stop(): Promise<void>;
  state(): SourceReport;
  /** Sends to the subscribers of the embedded broker; false: it is not listening. Absent: the source is none. */
  publish?(message: BrokerMessage): boolean;
}

export interface SourceReport {
  readonly state: 'ok' | 'starting' | 'degraded' | 'failed';
  /** "connected for 3 h", "no connection: connection refused". */
  readonly words: string;
  readonly unsettled: number;
}

export interface SourcePorts {
  readonly foundation: Foundation;
  readonly intake: Intake;
  readonly marks: MarkKeeper;
  readonly secrets: Secrets;
  readonly hasStream: (name: string) => boolean;
}

/** `host:port`, IPv6 in brackets. */
export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
