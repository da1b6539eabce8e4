"""The look of the page, light and dark."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #24292f; --soft: #5c6670; --rule: #dfe3e7; --mark: #fff3c9;
  --line-1: #0b62c4; --line-2: #c2410c; --line-3: #0f766e; --line-4: #8b35b5; --bar: #9aa5b1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1c2024; --ink: #e4e7ea; --soft: #a3acb5; --rule: #353b42; --mark: #4a3d0c;
    --line-1: #6cb2ff; --line-2: #ff9a62; --line-3: #4fd1c0; --line-4: #d79bff; --bar: #66707a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 72rem; padding: 1.5rem clamp(0.75rem, 3vw, 2rem) 4rem;
  background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 0 0 0.75rem; font-size: 1.3rem; }
h3 { margin: 1.5rem 0 0.5rem; font-size: 1.05rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
section { margin-top: 1.25rem; padding: 1.25rem; }
section, .facts div { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 0.75rem 0 0; padding: 0; list-style: none; }
a { color: var(--line-1); }
ul { padding-left: 1.25rem; }
.soft, figcaption, .meaning { color: var(--soft); font-size: 0.9rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; margin: 1rem 0 0; }
.facts div { padding: 0.6rem 0.8rem; }
.facts dt { color: var(--soft); font-size: 0.85rem; }
.facts dd { margin: 0; font-size: 1.15rem; }
.warning { padding: 0.5rem 0.75rem 0.5rem 1.75rem; background: var(--mark); border-radius: 6px; }
figure { margin: 0.75rem 0 0; }
figcaption { margin-top: 0.35rem; max-width: 46rem; }
img { display: block; max-width: 100%; height: auto; background: #ffffff; }
.pixels { image-rendering: pixelated; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 1rem 1.5rem; }
.charts figure { margin: 0; }
.charts h3 { margin: 0 0 0.25rem; }
svg { display: block; width: 100%; height: auto; stroke-linejoin: round; stroke-linecap: butt; }
.key { display: inline-block; margin-right: 0.75rem; }
.key svg { display: inline-block; width: 1.6rem; height: 0.6rem; margin-right: 0.3rem; }
.wide { overflow-x: auto; overflow-wrap: break-word; }
table { border-collapse: collapse; font-size: 0.92rem; }
th, td { padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid var(--rule); }
th, td { text-align: left; vertical-align: top; }
tbody th { min-width: 7rem; font-weight: 400; }
thead th { color: var(--soft); font-weight: 600; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.marked { background: var(--mark); }
details { margin-top: 0.75rem; }
summary { cursor: pointer; }
pre { margin: 0.5rem 0; padding: 0.75rem; background: var(--page); border: 1px solid var(--rule); border-radius: 6px;
  white-space: pre-wrap; }
code { font: 0.9rem/1.5 ui-monospace, monospace; }
.bars { display: grid; grid-template-columns: fit-content(40%) 1fr max-content; gap: 0.15rem 0.75rem; }
.bars { align-items: center; max-width: 46rem; }
.bars .pair { display: grid; gap: 2px; }
.bars i { display: block; height: 0.45rem; border-radius: 2px; background: var(--bar); }
.bars i.fake { background: var(--line-1); }
.swatch { display: inline-block; width: 0.8rem; height: 0.6rem; border-radius: 2px; background: var(--bar); }
.swatch.fake { background: var(--line-1); }
"""
