/**
 * The page's style sheet: light and dark, wide and narrow. Pictures follow the reader's colour
 * scheme.
 */
import { COLOR_PAIRS } from '../strategy-styles.ts';

/** Style rules outweigh the colours that pictures carry as attributes. */
const DARK_PICTURES = COLOR_PAIRS.map(
  ({ light, dark }) =>
    `  figure svg [fill="${light}"] { fill: ${dark}; }\n` +
    `  figure svg [stroke="${light}"] { stroke: ${dark}; }`,
).join('\n');

export const PAGE_STYLE: string = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --panel: #f6f7f9; --ink: #1f2328; --muted: #59636e; --line: #d5dae0;
  --large: #a83f00; --large-ground: #ffe8d9; --lookup: #005a91; --lookup-ground: #e0f0fb;
  --right: #00684c; --wrong: #a3294a;
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 66rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.5 'DejaVu Sans', Verdana, Arial, sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 0.5rem; }
h3 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
h4 { font-size: 1rem; margin: 0; }
nav ul, .findings { padding-left: 1.3rem; }
a { color: var(--lookup); }
li + li { margin-top: 0.3rem; }
dl.asked { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; }
dl.asked dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; }
.scroll { overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 38rem; height: auto; }
summary { cursor: pointer; padding: 0.3rem 0; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0.4rem 0; color: var(--muted); }
th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid var(--line); text-align: left; }
thead th { vertical-align: bottom; }
tbody th { font-weight: normal; }
td.number, th.number { text-align: right; white-space: nowrap; }
.examples > details { border: 1px solid var(--line); border-radius: 6px; margin: 0.6rem 0; }
.examples > details > summary { padding: 0.6rem 0.9rem; overflow-wrap: anywhere; }
.examples .body { padding: 0 0.9rem 0.9rem; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 0.8rem; }
.answer { background: var(--panel); border-radius: 6px; padding: 0.7rem 0.9rem; min-width: 0; }
.answer h4 { overflow-wrap: anywhere; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.5rem 0; unicode-bidi: isolate; }
.note { color: var(--muted); font-size: 0.85rem; margin: 0; overflow-wrap: anywhere; }
.right { color: var(--right); }
.wrong { color: var(--wrong); }
.large { color: var(--large); background: var(--large-ground); font-weight: bold; }
.prompt-lookup { color: var(--lookup); background: var(--lookup-ground); text-decoration: underline; }
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15191e; --panel: #1e242b; --ink: #e6e8eb; --muted: #a3adb8; --line: #3a424c;
    --large: #ffb285; --large-ground: #4a2a14; --lookup: #8cc8f2; --lookup-ground: #17364d;
    --right: #4fd0a8; --wrong: #ff8fab;
  }
${DARK_PICTURES}
}
@media (max-width: 40rem) {
  body { padding: 1rem 0.8rem 3rem; }
  dl.asked { grid-template-columns: 1fr; gap: 0; }
  dl.asked dd { margin-bottom: 0.4rem; }
}
@media print { .scroll { overflow: visible; } figure { break-inside: avoid; } }
`;
