/**
 * Every coded error of sedge, of the command line and of the API alike. A code is `SEDGE_AREA_REASON`; match on codes, never on
 * text. `exit` is the sysexits code of a command line that meets it, `status` the one of an HTTP answer where the exit code does
 * not say it; `hint` is what to do next and is printed after the message.
 */
export const errorCatalogue = {
  SEDGE_CLI_USAGE: { exit: 64, hint: 'see sedge --help' },
  SEDGE_CONFIG_INVALID: { exit: 78, hint: 'correct the line shown, then run sedge validate' },
  SEDGE_CONFIG_MISSING: { exit: 78, hint: 'name a file with --config, or write ./sedge.yaml' },
  SEDGE_CONFIG_SECRET: {
    exit: 78,
    hint: 'store the secret as a systemd credential or in /etc/sedge/secrets (mode 0600)',
  },
  SEDGE_DATA_INVALID: { exit: 65, hint: 'look at the line shown' },
  SEDGE_DATA_CORRUPT: { exit: 65, hint: 'run sedge buffer fsck' },
  SEDGE_DATA_NEWER: { exit: 65, hint: 'this data folder was written by a newer sedge; run that version' },
  SEDGE_DATA_LOCKED: { exit: 75, hint: 'another sedge uses this data folder; stop it first' },
  SEDGE_AGENT_UNREACHABLE: { exit: 69, hint: 'is sedge run active, and is --config the same?' },
  SEDGE_HOST_PERMISSION: { exit: 77, hint: 'run as a user who may do this' },
  SEDGE_HOST_UNSUPPORTED: { exit: 69, hint: 'this host cannot do it' },
  SEDGE_LISTEN_FAILED: { exit: 69, hint: 'is the port taken?' },
  SEDGE_SQLITE_TOO_OLD: { exit: 70, hint: 'install the SQLite that the package lock names' },
  SEDGE_QUERY_INVALID: {
    exit: 64,
    status: 400,
    hint: "a query looks like: p99(value), count() of pump* where line = 'a' by stream since 1h",
  },
  SEDGE_QUERY_TOO_LARGE: { exit: 65, status: 413, hint: 'ask for fewer groups, fewer streams or less time' },
  SEDGE_API_BAD_REQUEST: { exit: 65, status: 400, hint: 'see the message' },
  SEDGE_API_TOKEN: { exit: 77, status: 401, hint: 'send the header authorization: Bearer TOKEN' },
  SEDGE_API_ORIGIN: {
    exit: 77,
    status: 403,
    hint: "open the agent by its IP address, as localhost, or by its host's name",
  },
  SEDGE_API_NOT_FOUND: { exit: 69, status: 404, hint: 'GET /v1 lists the routes' },
  SEDGE_API_NO_STREAM: { exit: 65, status: 404, hint: 'GET /v1/streams lists the streams' },
  SEDGE_API_METHOD: { exit: 70, status: 405, hint: 'see the allow header' },
  SEDGE_API_TOO_LARGE: { exit: 65, status: 413, hint: 'send less in one request' },
  SEDGE_API_UPGRADE: { exit: 70, status: 426, hint: 'connect with a WebSocket' },
  SEDGE_API_BUSY: { exit: 75, status: 503, hint: 'try again after the seconds in retry-after' },
  SEDGE_API_UNAVAILABLE: {
    exit: 69,
    status: 503,
    hint: 'this part of the agent is not configured or not running',
  },
  SEDGE_API_INTERNAL: { exit: 70, status: 500, hint: "the agent's log says why" },
} as const satisfies Record<string, ErrorEntry>;

interface ErrorEntry {
  readonly exit: number;
  readonly status?: number;
  readonly hint: string;
}

export type ErrorCode = keyof typeof errorCatalogue;

/** True for the text of a code, as it comes over a wire. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCatalogue, code);
}

/** The HTTP status an answer with this code has. */
export function problemStatus(code: ErrorCode): number {
  const { exit, status }: ErrorEntry = errorCatalogue[code];
  if (status !== undefined) return status;
  if (exit === 77) return 403;
  if (exit === 69 || exit === 75) return 503;
  return exit === 70 ? 500 : 400;
}

/** Misuse: what was attempted, on what, and what to do next. Thrown; `cause` keeps the rest. */
export class SedgeError extends Error {
  override readonly name = 'SedgeError';
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? errorCatalogue[code].hint;
  }

  /** sysexits code the CLI ends with. */
  get exitCode(): number {
    return errorCatalogue[this.code].exit;
  }
}

/** The text of anything thrown, in one line. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.replaceAll(/\s*\n\s*/g, ' ');
}
