/**
 * Every coded error of sedge. A code is `SEDGE_AREA_REASON`; match on codes, never on text. `hint` is what to
 * do next and is printed after the message.
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
} as const satisfies Record<string, { exit: number; hint: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

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
