/** Begins the name of every environment variable that overrides a key. */
export const overridePrefix = 'SEDGE__';
