/**
 * A net below the rule that no secret is ever logged: user info in URLs and bearer tokens are struck out, and control
 * characters are made visible, so that a payload can neither forge a log line nor drive a terminal.
 */
export function redact(text: string): string {
  let clean = text;
  if (clean.includes('://')) clean = clean.replaceAll(urlUserInfo, '$1***@');
  if (bearer.test(clean)) clean = clean.replaceAll(bearers, '$1***');
  return control.test(clean) ? clean.replaceAll(controls, visible) : clean;
}

/** Everything between `://` and the last `@` before the path; a password may itself hold an unescaped `@`. */
const urlUserInfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi;
const bearer = /bearer\s/i;
const bearers = /(\bbearer\s+)[^\s"',;]+/gi;
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const controls = new RegExp(control.source, 'g');

function visible(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
}
