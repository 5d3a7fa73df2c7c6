import { describe, expect, it } from 'vitest';
import { errorCatalogue, problemStatus, SedgeError } from '#agent/base/errors.ts';
import { exit } from '#agent/cli/verb.ts';

const entries = Object.entries(errorCatalogue);

describe('the error catalogue', () => {
  it.each(entries)(
    '%s is spelt by the rule, ends with a sysexits code and says what to do next',
    (code, entry) => {
      expect(code).toMatch(/^SEDGE(_[A-Z0-9]+){2,}$/);
      expect(Object.values(exit)).toContain(entry.exit);
      expect(entry.hint).not.toBe('');
    },
  );

  it('gives every code of the API its status, and everything else the one its exit code says', () => {
    const api = entries.filter(([code]) => code.startsWith('SEDGE_API_'));

    expect(api.length).toBeGreaterThan(0);
    for (const [code, entry] of api) expect(entry, code).toHaveProperty('status');
    expect(problemStatus('SEDGE_API_TOKEN')).toBe(401);
    expect(problemStatus('SEDGE_HOST_PERMISSION')).toBe(403);
    expect(problemStatus('SEDGE_DATA_LOCKED')).toBe(503);
    expect(problemStatus('SEDGE_SQLITE_TOO_OLD')).toBe(500);
    expect(problemStatus('SEDGE_DATA_INVALID')).toBe(400);
  });

  it('ends the process of an error with the exit code of its entry', () => {
    expect(new SedgeError('SEDGE_API_BUSY', 'full').exitCode).toBe(75);
  });
});
