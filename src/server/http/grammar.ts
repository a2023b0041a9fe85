const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PARAMETERS = /;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g;

/** Whether a text is a token (RFC 9110, 5.6.2), as methods and names of fields are. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * The first value of a parameter of a field such as `form-data; name="json"`, without its quotes. What looks like a
 * parameter inside the quotes of another one is not read. `name` is in lower case. Takes linear time.
 */
export function parameterOf(field: string, name: string): string | undefined {
  for (const [, key, quoted, plain] of field.matchAll(PARAMETERS))
    if (key?.toLowerCase() === name) return quoted ?? plain;
  return undefined;
}
