import { describe, expect, it } from 'vitest';
import { accountText, type DrillAccount, kept, verdictText } from '#agent/cli/prove/account.ts';

const good: DrillAccount = {
  drill: 'kill',
  seed: 7,
  kills: 5,
  seconds: 12,
  published: 1_000,
  acknowledged: 1_000,
  delivered: 1_000,
  lost: 0,
  duplicated: 0,
  resent: 40,
  ledger: { received: 1_000, delivered: 1_000, buffered: 0, filtered: 0, dropped: 0, balanced: true },
  peakMemoryBytes: 100 * 1024 * 1024,
  slowestStartMs: 400,
  broken: null,
};

describe('the account of a drill', () => {
  it('is kept when nothing was lost and the ledger balances', () => {
    expect(kept(good)).toBe(true);
    expect(verdictText(good)).toBe(
      'PROVEN: all of 1,000 acknowledged messages arrived through 5 kills -9, none twice; the ledger balances.',
    );
  });

  it('counts duplicates without calling them a loss', () => {
    const twice = { ...good, duplicated: 3 };
    expect(kept(twice)).toBe(true);
    expect(verdictText(twice)).toContain('3 of them twice');
  });

  it.each([
    ['one message is lost', { lost: 1 }, 'LOSS: 1 of 1,000'],
    ['the ledger does not balance', { ledger: { ...good.ledger!, balanced: false } }, 'UNBALANCED'],
    ['the ledger is not known', { ledger: null }, 'NOT PROVEN: the agent did not tell its ledger.'],
    ['it ended early', { broken: 'interrupted' }, 'NOT PROVEN: interrupted.'],
  ])('is not kept when %s', (_case, difference, words) => {
    const account = { ...good, ...difference };
    expect(kept(account)).toBe(false);
    expect(verdictText(account)).toContain(words);
  });

  it('prints published, acknowledged, delivered, lost, duplicated and ledger in one table', () => {
    expect(accountText({ ...good, drill: 'power-cut', kills: 1 })).toMatchInlineSnapshot(`
      "MESSAGES         COUNT
      published        1,000
      acknowledged     1,000
      delivered        1,000
      lost                 0
      duplicated           0
      ledger        balanced

        ledger: received 1,000 = delivered 1,000 + buffered 0 + filtered 0 + dropped 0
        40 readings sent again by the uplink and recognised by the receiver
        slowest start after a kill 400 ms, peak memory 100 MiB
        12 s, seed 7

      PROVEN: all of 1,000 acknowledged messages arrived through 1 power cut, none twice; the ledger balances.
      "
    `);
  });
});
