/** A listening HTTP server as the rooms see it: requests in, answers out. The host implements it over node:http and ws. */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** As sent, percent-encoded, without the query; begins with `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Address of the other end, for the log. */
  readonly remote: string;
  /** The whole body, undecoded; null when it exceeds `bytesMax` or the sender went away. Call at most once. */
  body(bytesMax: number): Promise<Uint8Array | null>;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is written at the reader's pace and its iterator is closed when the reader leaves. */
  readonly body?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

/** One end of an open WebSocket. */
export interface LiveSocket {
  /** Bytes handed over and not yet taken by the kernel. */
  readonly bufferedBytes: number;
  send(text: string): void;
  /** Codes of RFC 6455 §7.4; `reason` <= 123 bytes. A peer that does not answer is cut off by the host. */
  close(code: number, reason: string): void;
  onMessage(listener: (text: string) => void): void;
  /** Called once, whoever closed. */
  onClose(listener: () => void): void;
}

export type UpgradeAnswer =
  | {
      readonly kind: 'accept';
      /** Subprotocol to confirm; one the client offered. */
      readonly protocol?: string;
      connected(socket: LiveSocket): void;
    }
  | { readonly kind: 'refuse'; readonly response: HttpResponse };

export interface HttpHandler {
  /** Rejects only for a bug. */
  handle(request: HttpRequest): Promise<HttpResponse>;
  upgrade(request: HttpRequest): UpgradeAnswer;
}

/** Bounds that keep a stranger from holding memory or sockets. */
export interface HttpBounds {
  readonly connections: number;
  readonly headerBytes: number;
  readonly headers: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestMs: number;
  /** Between two requests of one connection. */
  readonly idleMs: number;
  /** A reader that takes nothing for so long is cut off. */
  readonly stalledMs: number;
  /** One WebSocket message from the other end. */
  readonly liveMessageBytes: number;
  /** Between pings; a peer that misses one answer is cut off. */
  readonly livePingMs: number;
}
