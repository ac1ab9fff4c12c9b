"""How a page looks: light and dark as the system is, and on paper."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f4f5fa; --card: #ffffff; --line: #dfe2ec; --text: #191c2b; --muted: #5d637a; --accent: #4338ca;
  --c4: #fff1cc; --c3: #ffd98a; --c2: #ffb743; --c1: #e8830c; --ink1: #191c2b; --ink2: #191c2b;
  --sub: #a33b00; --del: #005a94; --ins: #8a2c6b; --head: #d92d3a;
  --shadow: 0 1px 2px rgb(20 24 50 / 6%), 0 8px 28px rgb(20 24 50 / 7%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10121b; --card: #191c28; --line: #2c3040; --text: #eceef6; --muted: #9aa1b8;
    --accent: #a5a0ff;
    --c4: #3a3122; --c3: #5e4717; --c2: #8a6008; --c1: #f7a62b; --ink1: #191204; --ink2: #ffffff;
    --sub: #ff9c63; --del: #6fc0ff; --ins: #f19bd0; --head: #ff6b75; --shadow: 0 8px 28px rgb(0 0 0 / 35%);
  }
}
* { box-sizing: border-box; }
body {
  background: var(--ground); color: var(--text); margin: 0 auto; max-width: 72rem;
  padding: clamp(1rem, 3vw, 2.5rem);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
h1 { font-size: 1.5rem; letter-spacing: -.015em; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
a { color: var(--accent); }
.facts { color: var(--muted); margin: 0; }
main { display: grid; gap: 1.25rem; margin-top: 1.25rem; }
section, article {
  background: var(--card); border: 1px solid var(--line); border-radius: 16px; box-shadow: var(--shadow);
  min-width: 0; padding: 1.25rem;
}
article > header {
  align-items: baseline; display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-bottom: .75rem;
}
article > header .facts { margin-left: auto; }
audio { height: 2.25rem; margin-bottom: .75rem; width: 100%; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 0; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.figures dt { color: var(--muted); font-size: .85rem; }
.figures dd {
  font-size: 1.75rem; font-variant-numeric: tabular-nums; font-weight: 650; letter-spacing: -.02em;
  line-height: 1.25; margin: 0;
}
.interval { display: block; height: 2.6rem; margin: .75rem 0 0; overflow: visible; width: 100%; }
.interval rect { fill: var(--accent); }
.interval .band { opacity: .28; }
.interval text { fill: var(--muted); font-size: .75rem; text-anchor: middle; }
pre {
  background: var(--ground); border-radius: 10px; font-size: .85rem; margin: 1rem 0 0;
  overflow-x: auto; padding: .75rem 1rem;
}
.legend {
  align-items: center; color: var(--muted); display: flex; flex-wrap: wrap; font-size: .85rem;
  gap: .35rem 1rem; margin: 0;
}
.row + .row { border-top: 1px dashed var(--line); margin-top: 1rem; padding-top: 1rem; }
.picture { border-radius: 8px; display: block; height: 12.5rem; width: 100%; }
.playable .picture { cursor: pointer; }
.wave { fill: var(--text); stroke: var(--text); stroke-width: .75px; }
.span { fill: var(--muted); opacity: .55; }
.span.c4, .span.c3, .span.c2, .span.c1 { opacity: 1; stroke: var(--muted); stroke-width: 1px; }
.span.c4 { fill: var(--c4); }
.span.c3 { fill: var(--c3); }
.span.c2 { fill: var(--c2); }
.span.c1 { fill: var(--c1); }
.mark { fill: var(--accent); fill-opacity: .16; stroke: var(--accent); stroke-width: 1.5px; }
.head { stroke: var(--head); stroke-width: 2px; }
.axis { display: block; height: 1.25rem; overflow: visible; width: 100%; }
.axis text {
  fill: var(--muted); font-size: .7rem; font-variant-numeric: tabular-nums; text-anchor: middle;
}
.axis line { stroke: var(--muted); }
.words { line-height: 1.9; margin: .35rem 0 0; overflow-wrap: anywhere; }
.word {
  background: none; border: 0; border-radius: 5px; color: inherit; font: inherit; line-height: 1.35;
  margin: 0; padding: .05em .25em;
}
.words .word { cursor: pointer; }
.words .word:hover, .word.now { outline: 2px solid var(--accent); }
.words .word:focus-visible, a:focus-visible, summary:focus-visible, .scroll:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px;
}
.legend .word { color: var(--text); }
.legend .c2 { color: var(--ink2); } .legend .c1 { color: var(--ink1); }
.about { color: var(--muted); font-size: .85rem; font-variant-numeric: tabular-nums; margin: .5rem 0 0; }
.about:empty { display: none; }
details { margin-top: .75rem; }
summary { color: var(--muted); cursor: pointer; font-size: .85rem; width: fit-content; }
.c4 { background: var(--c4); }
.c3 { background: var(--c3); text-decoration: underline dotted; text-underline-offset: .2em; }
.c2 {
  background: var(--c2); color: var(--ink2); text-decoration: underline dashed;
  text-underline-offset: .2em;
}
.c1 {
  background: var(--c1); color: var(--ink1); text-decoration: underline wavy;
  text-underline-offset: .2em;
}
.pair {
  align-items: center; display: inline-flex; flex-direction: column; margin: 0 .15em;
  vertical-align: bottom;
}
.pair .said { font-size: .8em; font-weight: 600; line-height: 1.3; white-space: nowrap; }
.pair .gap { color: var(--muted); line-height: 1.35; padding: .05em .25em; }
.pair b {
  border: 1.5px solid currentColor; border-radius: 4px; font-size: .7rem; line-height: 1;
  margin-inline-end: .35em; padding: 0 .25em;
}
.pair.substitute { border-bottom: 3px solid var(--sub); }
.substitute .said, .key.substitute { color: var(--sub); }
.pair.delete { border-bottom: 3px dashed var(--del); } .delete .said, .key.delete { color: var(--del); }
.pair.insert { border-bottom: 3px double var(--ins); } .insert .said, .key.insert { color: var(--ins); }
.delete .said bdi { text-decoration: line-through; }
.key b { border: 1.5px solid currentColor; border-radius: 4px; font-size: .7rem; padding: 0 .25em; }
.scroll { overflow-x: auto; }
table {
  border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin-top: .75rem;
  width: 100%;
}
th { color: var(--muted); font-weight: 500; text-align: start; }
th, td {
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; padding: .3rem .75rem .3rem 0;
  vertical-align: top;
}
.number { text-align: end; white-space: nowrap; }
.several {
  align-items: start; display: grid; gap: 0 2.5rem;
  grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr));
}
footer { color: var(--muted); font-size: .85rem; margin-top: 1.5rem; }
@media print {
  :root {
    color-scheme: light; --ground: #fff; --card: #fff; --line: #ccc; --text: #000; --muted: #444;
    --accent: #4338ca; --shadow: none;
    --c4: #fff1cc; --c3: #ffd98a; --c2: #ffb743; --c1: #e8830c; --ink1: #000; --ink2: #000;
    --sub: #a33b00; --del: #005a94; --ins: #8a2c6b;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 11px; max-width: none; padding: 0; }
  section, article { border: 0; border-radius: 0; border-top: 1px solid #999; padding: .75rem 0; }
  .row { break-inside: avoid; } .picture { height: 8rem; }
  audio, .mark, .head, .about, summary { display: none; }
}
"""
