import type { HttpRequest, HttpResponse } from '../ports/http-server.ts';
import type { WindowLevel, WindowsJson } from '../query/windows-json.ts';
import type { AnswerJson } from '../query/answer.ts';
import type {
  BufferJson,
  ConfigJson,
  LedgerJson,
  LiveJson,
  PageJson,
  ReadinessJson,
  StatusJson,
  StreamJson,
  TailJson,
  UplinkJson,
} from './contract.ts';

/** What the API shows: the agent, read only. Assembled from the rooms; every call is cheap or answers from a sample. */
export interface AgentView {
  status(): Promise<StatusJson>;
  streams(): Promise<readonly StreamJson[]>;
  /** The newest stored readings, oldest first; null when there is no such stream. */
  tail(stream: string, count: number): Promise<TailJson | null>;
  /** Stored readings of `stream` from offset `from` on, at most `count`, of this walk or a new one; null when there is no such stream. */
  readings(
    stream: string,
    page: { readonly from: number; readonly count: number; readonly walk: string | null },
  ): Promise<PageJson | null>;
  /** Answers a question about what is stored. @throws {SedgeError} when it can not be read or carried out. */
  query(text: string): Promise<AnswerJson>;
  /** Rolled-up windows of a stream, a page after the place given. @throws {SedgeError} when there is no such stream. */
  windows(stream: string, every: WindowLevel, after: WindowsJson['next']): Promise<WindowsJson>;
  buffer(): Promise<BufferJson>;
  ledger(): Promise<LedgerJson>;
  uplinks(): Promise<readonly UplinkJson[]>;
  config(): Promise<ConfigJson>;
}

/** Health and metrics, which answer even when everything else is stuck. */
export interface Pulse {
  readiness(): ReadinessJson;
  /** Metrics in the format the Accept header asks for. */
  metrics(accept: string | undefined): { readonly type: string; readonly text: string };
}

/** Readings as they pass, for people who watch. */
export interface LiveSource {
  /**
   * Delivers until the returned function is called. `streams` empty: all. `point`: where in the pipeline. Null when a
   * stream or point does not exist.
   */
  tap(
    request: { readonly streams: readonly string[]; readonly point: string },
    deliver: (message: LiveJson) => void,
  ): (() => void) | null;
}

/** The door of HTTP ingest; answers after the commit. */
export interface IngestDoor {
  take(request: HttpRequest, stream: string): Promise<HttpResponse>;
}
