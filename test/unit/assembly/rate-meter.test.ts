import { describe, expect, it } from 'vitest';
import { RateMeter } from '#agent/assembly/rate-meter.ts';

const totals = (entries: Record<string, number>) => new Map(Object.entries(entries));

describe('RateMeter', () => {
  it('knows no rate before two samples', () => {
    const meter = new RateMeter();
    expect(meter.perSecond('a')).toBeNull();
    meter.sample(totals({ a: 5 }), 0);
    expect(meter.perSecond('a')).toBeNull();
  });

  it('gives the slope over the last minute and forgets what was before', () => {
    const meter = new RateMeter();
    for (let i = 0; i <= 12; i++) meter.sample(totals({ a: i * 50 }), i * 5000);
    expect(meter.perSecond('a')).toBe(10);

    for (let i = 13; i <= 24; i++) meter.sample(totals({ a: 600 }), i * 5000);
    expect(meter.perSecond('a')).toBe(0);
  });

  it('begins anew when a total fell, and forgets names that went', () => {
    const meter = new RateMeter();
    meter.sample(totals({ a: 100, b: 1 }), 0);
    meter.sample(totals({ a: 3 }), 1000);
    expect(meter.perSecond('a')).toBeNull();
    expect(meter.perSecond('b')).toBeNull();
    meter.sample(totals({ a: 5 }), 2000);
    expect(meter.perSecond('a')).toBe(2);
  });
});
