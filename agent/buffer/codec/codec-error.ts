import { MalformedBytes } from '../../base/byte-reader.ts';
import { fail, type Result } from '../../base/result.ts';

/** Why stored bytes cannot be read: what a caller does next depends on the code, `detail` is for people. */
export interface CodecError {
  readonly code: 'magic' | 'version' | 'checksum' | 'truncated' | 'malformed' | 'too_large';
  readonly detail: string;
}

export function codecError(code: CodecError['code'], detail: string): { ok: false; error: CodecError } {
  return fail({ code, detail }) as { ok: false; error: CodecError };
}

/** Runs one bounded parser: its `MalformedBytes` becomes a value, anything else is a bug and passes. */
export function parseBounded<T>(parse: () => Result<T, CodecError>): Result<T, CodecError> {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MalformedBytes) return codecError('malformed', error.message);
    throw error;
  }
}
