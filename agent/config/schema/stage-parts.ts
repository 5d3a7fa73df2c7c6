import { integer, text } from './leaf.ts';

export const fieldName = () =>
  text({ what: 'a field name of 1 to 256 characters', type: 'field name', max: 256 });
export const fieldPattern = () =>
  text({
    what: 'a field name, * and ? allowed, ! before it to leave it out',
    type: 'field pattern',
    max: 256,
  });

export const seriesMax = () =>
  integer(1, 1_000_000)
    .prefault(20_000)
    .describe(
      'Series remembered at a time; beyond it the one unseen longest is forgotten, which is counted.',
    );
