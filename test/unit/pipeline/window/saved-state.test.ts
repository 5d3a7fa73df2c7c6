import { expect, test } from 'vitest';
import type { Pipeline } from '#agent/pipeline/pipeline.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf } from '../pipeline-fixture.ts';

const stages: readonly StageConfig[] = [
  {
    window: {
      every: 10_000,
      lateness: 5_000,
      fields: ['a', 's'],
      emit: ['mean', 'min', 'max', 'count', 'first', 'last', 'stddev', 'p50', 'distinct'],
      into: 'w',
    },
  },
  {
    window: {
      every: 10_000,
      fields: ['a'],
      emit: ['mean', 'first', 'last', 'min', 'max', 'count'],
      into: 'plain',
    },
  },
];
const m = (machine: string) => ({ machine });
const commits: readonly (readonly Plain[])[] = [
  [
    { at: 0.5, values: { a: 2.5, s: 'on' }, tags: m('m1') },
    { at: 1, values: { a: -1, s: 'off' }, tags: m('m2') },
  ],
  [
    { at: 2, values: { a: 0.1, s: 'on' }, tags: m('m1') },
    { at: 1.5, values: { a: 7, s: 'idle' }, tags: m('m1') },
  ],
  [
    { at: 13, values: { a: 3.25 }, tags: m('m1') },
    { at: 9, values: { a: 0.3, s: 'late' }, tags: m('m2') },
  ],
];
const rest: readonly Plain[] = [
  { at: 14, values: { a: 5, s: 'off' }, tags: m('m1') },
  { at: 8, values: { a: -4, s: 'on' }, tags: m('m2') },
  { at: 60, values: { a: 0 }, tags: m('m1') },
  { at: 60, values: { a: 0 }, tags: m('m2') },
];

/** What the commits left when sums were told in full each time: version 1 of windows, a full state and two deltas. */
const versionOne: readonly { readonly kind: 'full' | 'delta'; readonly base64: string }[] = [
  {
    kind: 'full',
    base64:
      'AgAAAAAAAPD/ApcBeyJ3aW5kb3ciOnsiZXZlcnkiOjEwMDAwLCJsYXRlbmVzcyI6NTAwMCwiZmllbGRzIjpbImEiLCJzIl0s' +
      'ImVtaXQiOlsibWVhbiIsIm1pbiIsIm1heCIsImNvdW50IiwiZmlyc3QiLCJsYXN0Iiwic3RkZGV2IiwicDUwIiwiZGlzdGlu' +
      'Y3QiXSwiaW50byI6IncifX0jMPIFAQAAAAIBYQFzAgECAQdtYWNoaW5lAm0xAAAAAICEHsEBBQEHbWFjaGluZQJtMgAAAAAA' +
      'AAAAAgEBAg8ibWFjaGluZSI6Im0xIiwAAAAAgIQeQQEEBQ8ibWFjaGluZSI6Im0yIiwAAAAAgIQuQQIDAgAAAAAAAAAAAAAA' +
      'ANASY0EAAAAAAADw/wACAAEAAAAAAAAABEAAAAAAAAAAAAAAAAAAAARAAAAAAAAABEAAAAAAgIQeQQAAAAAAAARAAAAAAICE' +
      'HkEAAAAAAAAEQAJUU0RNTwEAAAABAAAAAAAAAAAAAAAAAARAAAAAAAAAAAAAAAAAAAAEQAAAAAAAAARAAAAAAAAABEAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAA2pIqREAICDwTIAAgAAAAAAAAABEAMAgEHDAMIAQhKqSgQAQABAAAAAAAAAAAAAAAAAAAA' +
      'AAAAAAAAAPB/AAAAAAAA8P8AAAAAAADwfwAAAAAAAAAAAAAAAAAA8P8AAAAAAAAAAAIUU0RNTwEAAAAAAAAAAAAAAIADI9gI' +
      'AgEPAcgACAAMAgEHDAMIAQjzNAEQBgUAAAAAAAAAAAAAAADQEmNBAAAAAAAA8P8AAgABAAAAAAAAAPC/AAAAAAAAAAAAAAAA' +
      'AADwvwAAAAAAAPC/AAAAAICELkEAAAAAAADwvwAAAACAhC5BAAAAAAAA8L8CVFNETU8BAAAAAQAAAAAAAAAAAAAAAADwvwAA' +
      'AAAAAAAAAAAAAAAA8L8AAAAAAADwvwAAAAAAAPC/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAzGU2TxACAg8EyAAIAAAAAAAA' +
      'APC/DAIBBwwDCAEIHQ1mBQEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAADwfwAAAAAAAPD/AAAAAAAA8H8AAAAAAAAAAAAAAAAA' +
      'APD/AAAAAAAAAAACFFNETU8BAAAAAAAAAAAAAACAAyPYCAIBDwHIAAgADAIBBwwDCAEIaQl0CW17IndpbmRvdyI6eyJldmVy' +
      'eSI6MTAwMDAsImZpZWxkcyI6WyJhIl0sImVtaXQiOlsibWVhbiIsImZpcnN0IiwibGFzdCIsIm1pbiIsIm1heCIsImNvdW50' +
      'Il0sImludG8iOiJwbGFpbiJ9fSMwrAIBAAAAAQFhAgECAQdtYWNoaW5lAm0xAAAAAICEHsEBBQEHbWFjaGluZQJtMgAAAAAA' +
      'AAAAAgEBAg8ibWFjaGluZSI6Im0xIiwAAAAAgIQeQQEEBQ8ibWFjaGluZSI6Im0yIiwAAAAAgIQuQQIDAgAAAAAAAAAAAAAA' +
      'ANASY0EAAAAAAADw/wABAAEAAAAAAAAABEAAAAAAAAAAAAAAAAAAAARAAAAAAAAABEAAAAAAgIQeQQAAAAAAAARAAAAAAICE' +
      'HkEAAAAAAAAEQAAGBQAAAAAAAAAAAAAAANASY0EAAAAAAADw/wABAAEAAAAAAAAA8L8AAAAAAAAAAAAAAAAAAPC/AAAAAAAA' +
      '8L8AAAAAgIQuQQAAAAAAAPC/AAAAAICELkEAAAAAAADwvwBQDP5C',
  },
  {
    kind: 'delta',
    base64:
      'AQAAAAAAAPD/AjiMYfXiAQEAAAACAWEBcwEAAgAAAACAhC5BAQABAAAAAICEPkEBAwIAAAAAAAAAAAAAAADQEmNBAAAAAAAA' +
      '8P8AAgADADMzMzMzMyNAAAAAAAAAujyamZmZmZm5PwAAAAAAABxAAAAAAICEHkEAAAAAAAAEQAAAAACAhD5BmpmZmZmZuT8B' +
      'AgCamZmZmZm5PwAAAAAAAAAcQAEAAwAAAAAAAAAAAAAAAAAAAAAAAAAAAADwfwAAAAAAAPD/AAAAAAAA8H8AAAAAAAAAAAAA' +
      'AAAAAPD/AAAAAAAAAAABAgECb24BBGlkbGV593UZfgEAAAABAWEBAAIAAAAAgIQuQQEAAQAAAACAhD5BAQMCAAAAAAAAAAAA' +
      'AAAA0BJjQQAAAAAAAPD/AAEAAwAzMzMzMzMjQAAAAAAAALo8mpmZmZmZuT8AAAAAAAAcQAAAAACAhB5BAAAAAAAABEAAAAAA' +
      'gIQ+QZqZmZmZmbk/AOg4a/A=',
  },
  {
    kind: 'delta',
    base64:
      'AQAAAAAAAPD/AjiMYfXTAgEAAAACAWEBcwIAAgAAAABg42ZBAAUAAAAAgIReQQIAAQAAAACoy2hBAAQAAAAAiCphQQIHAgAA' +
      'AADQEmNBAAAAANASc0EAAAAAAADw/wABAAEAAAAAAAAACkAAAAAAAAAAAAAAAAAAAApAAAAAAAAACkAAAAAAqMtoQQAAAAAA' +
      'AApAAAAAAKjLaEEAAAAAAAAKQAEBAAAAAAAAAApABgUAAAAAAAAAAAAAAADQEmNBAAAAAAAA8P8AAgACAGZmZmZmZua/AAAA' +
      'AAAAkLwAAAAAAADwvzMzMzMzM9M/AAAAAICELkEAAAAAAADwvwAAAACIKmFBMzMzMzMz0z8BAQAzMzMzMzPTPwEAAgAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAADwfwAAAAAAAPD/AAAAAAAA8H8AAAAAAAAAAAAAAAAAAPD/AAAAAAAAAAABAQEEbGF0ZXn3dRnz' +
      'AQEBAwAAAQFhAgACAAAAAGDjZkEABQAAAACAhF5BAgABAAAAAKjLaEEABAAAAACIKmFBAgcCAAAAANASY0EAAAAA0BJzQQAA' +
      'AAAAAPD/AAEAAQAAAAAAAAAKQAAAAAAAAAAAAAAAAAAACkAAAAAAAAAKQAAAAACoy2hBAAAAAAAACkAAAAAAqMtoQQAAAAAA' +
      'AApAAAYFAAAAAAAAAAAAAAAA0BJjQQAAAAAAAPD/AAEAAgBmZmZmZmbmvwAAAAAAAJC8AAAAAAAA8L8zMzMzMzPTPwAAAACA' +
      'hC5BAAAAAAAA8L8AAAAAiCphQTMzMzMzM9M/AAcRl74=',
  },
];

function afterCommits(): { readonly pipeline: Pipeline; readonly saved: SavedState[] } {
  const pipeline = pipelineOf(...stages);
  const saved: SavedState[] = [];
  for (const commit of commits) {
    pipeline.process(batchOf(commit), now);
    saved.push(pipeline.changes(1 << 20)!);
  }
  return { pipeline, saved };
}

const given = (pipeline: Pipeline): Plain[] =>
  pipeline.process(batchOf(rest), now).outputs.flatMap(({ batch }) => plainOf(batch));

test('windows saved by an agent of before go on, and what is saved from then on fits behind it', () => {
  const earlier = versionOne.map(({ kind, base64 }): SavedState => ({
    kind,
    bytes: new Uint8Array(Buffer.from(base64, 'base64')),
  }));
  const upgraded = pipelineOf(...stages);
  expect(upgraded.resume(earlier).empty).toEqual([]);
  const more = batchOf([{ at: 15, values: { a: 1e-3, s: 'x' }, tags: m('m1') }]);
  upgraded.process(more, now);
  const saved = [...earlier, upgraded.changes(1 << 20)!];
  expect(saved.at(-1)!.kind).toBe('delta');
  const { pipeline } = afterCommits();
  pipeline.process(more, now);

  const restarted = pipelineOf(...stages);
  expect(restarted.resume(saved).empty).toEqual([]);

  const expected = given(pipeline);
  expect(expected.length).toBeGreaterThan(4);
  expect(given(upgraded)).toEqual(expected);
  expect(given(restarted)).toEqual(expected);
});

test('a delta tells of sums only what does not follow from the values in it', () => {
  const { saved } = afterCommits();
  const before = versionOne.map(({ base64 }) => Buffer.from(base64, 'base64').length);

  const { length } = saved[1]!.bytes;

  expect(length).toBeLessThan(0.6 * before[1]!);
});
