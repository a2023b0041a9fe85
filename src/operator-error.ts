/** Something that the person at the terminal can mend: told in its own words, without a stack. */
export class OperatorError extends Error {
  override readonly name = 'ExpectedError';
}
