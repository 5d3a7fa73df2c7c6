import { duration, integer, text } from './leaf.ts';

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

export const maxHold = (otherwise: string) =>
  duration('1s', '365d')
    .optional()
    .describe(
      `Silence of a series, by the clock on the wall, after which what is held back of it is given out; default: ${otherwise}.`,
    );
