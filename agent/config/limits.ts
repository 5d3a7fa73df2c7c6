/** Characters of one file. A site of a thousand streams takes about a tenth of it. */
export const fileTextLimit = 1024 * 1024;
/** Files read together: the main one and conf.d. */
export const filesLimit = 64;
/** Nesting of maps and lists; the deepest key of the schema lies at 6, a payload in `tests:` may go deeper. */
export const depthLimit = 32;
/** Maps, lists and scalars of all files, after aliases are followed: what bounds "billion laughs". */
export const nodesLimit = 200_000;
/** `*alias` uses in one file. */
export const aliasesLimit = 1_000;
/** Characters of one value after `${…}` is filled in. */
export const valueTextLimit = 64 * 1024;
/** `SEDGE__…` variables obeyed. */
export const overridesLimit = 256;
/** Problems collected in one load. */
export const problemsLimit = 200;
/** Problems printed at once: more do not fit a screen, and most follow from the first. */
export const problemsShownMax = 20;
/** Entries of one named section (sources, streams, uplinks). */
export const namedEntriesLimit = 1_000;
/** Streams that feed each other in a row, each by a stage of the one before: more is a mistake. */
export const derivedDepthMax = 8;
/** Items of one list of the schema. */
export const listItemsLimit = 1_000;
/** Characters of a source line shown around the caret. */
export const excerptWidthMax = 120;
/** Characters of a wrong value shown in a message. */
export const shownValueMax = 60;
/** Words longer than this are never compared for likeness (the comparison is quadratic). */
export const comparedWordMax = 64;
