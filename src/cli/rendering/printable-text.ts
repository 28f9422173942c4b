/**
 * Makes text from outside safe for a terminal. Models, model files and servers may write escape
 * sequences (which can retitle a window, answer for the user or hide text) and bidirectional overrides
 * (which show other text than the real one). Each such character becomes a visible stand-in; newlines
 * and tabs are kept. The mapping is per character, so it holds however a stream is cut.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;

const SYMBOLS_START = 0x2400;
const DELETE = 0x7f;
const DELETE_SYMBOL = '\u2421';

function standIn(character: string): string {
  const code = character.charCodeAt(0);
  // Unicode has a picture for each of the first 32: ESC is ␛.
  if (code < 0x20) return String.fromCharCode(SYMBOLS_START + code);
  if (code === DELETE) return DELETE_SYMBOL;
  return `<${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

export function printableText(text: string): string {
  return text.replace(CONTROLS, standIn).replace(OVERRIDES, standIn);
}
