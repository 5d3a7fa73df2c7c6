import type { Millis } from '../base/units.ts';

/** Requests to one server over kept connections. */
export interface HttpClient {
  /** Never rejects: what goes wrong below HTTP is an answer too. */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends connections; requests under way answer `closed`. Safe to call twice. */
  close(): Promise<void>;
}

export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'OPTIONS' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: Millis;
  /** Bytes of the answer's body that are kept; the rest is read and thrown away. */
  readonly answerBytesMax: number;
}

export type HttpAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      /** Names in lower case; repeated headers joined with a comma. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
    }
  | {
      readonly ok: false;
      /** `unreachable`: no connection was made (name, route, refusal, TLS). `timeout`, `broken`: it may have been received. */
      readonly trouble: 'unreachable' | 'timeout' | 'broken' | 'closed';
      /** In words fit for status, without secrets. */
      readonly message: string;
    };
