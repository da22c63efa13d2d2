// SPDX-License-Identifier: Apache-2.0

const LIGHT =
  "--paper:#fff;--ink:#16191d;--soft:#555d67;--faint:#868e98;--line:#dfe3e8;--band:#f5f7f9;--link:#0a55a8;--good:#1a7437;--bad:#b3261e;--unsure:#8a5a00;--plain:#3b5b85;--quiet:#79828d;--good-soft:#e3f2e7;--bad-soft:#fbe9e7;--unsure-soft:#fbf1dc;--plain-soft:#e8eff8";
const DARK =
  "--paper:#101317;--ink:#e7eaee;--soft:#a4adb8;--faint:#77818d;--line:#2a3038;--band:#171b21;--link:#7db6f5;--good:#5cc47c;--bad:#f58a80;--unsure:#e5b454;--plain:#8fb4e6;--quiet:#8b95a1;--good-soft:#16301f;--bad-soft:#3a1d1b;--unsure-soft:#35290f;--plain-soft:#1a2839";

/** The page's look: light and dark as the reader's system is, and black on white on paper. */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1240px;margin:0 auto;padding:40px 32px 56px}
h1{font-size:26px;line-height:1.25;letter-spacing:-.012em;font-weight:650;margin:2px 0 6px;overflow-wrap:anywhere}
h2{font-size:15px;font-weight:650;margin:40px 0 10px}
p{margin:0}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
code{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.eyebrow{color:var(--soft);font-size:12px}
.identity{color:var(--soft);overflow-wrap:anywhere}
.verdict{display:inline-flex;align-items:center;gap:8px;margin:16px 0 0;padding:5px 12px 5px 9px;border-radius:6px;font-weight:600}
.verdict small{font-weight:400;font-size:13px;color:var(--ink)}
.verdict.good{background:var(--good-soft);color:var(--good)}
.verdict.bad{background:var(--bad-soft);color:var(--bad)}
.verdict.unsure{background:var(--unsure-soft);color:var(--unsure)}
.verdict.plain,.verdict.quiet{background:var(--plain-soft);color:var(--plain)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:16px 32px;margin:24px 0 0;padding:16px 0 0;border-top:1px solid var(--line)}
.facts div{min-width:0}
dt{color:var(--soft);font-size:12px}
dd{margin:0;overflow-wrap:anywhere}
dd small,td small{color:var(--soft);font-size:12px}
dd small{display:block}
.mark{width:15px;height:15px;flex:none;vertical-align:-2.5px}
.good{color:var(--good)}.bad{color:var(--bad)}.unsure{color:var(--unsure)}.plain{color:var(--plain)}.quiet{color:var(--quiet)}
.symbols{position:absolute;width:0;height:0}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--soft);font-size:12px;margin:10px 0 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{font-size:12px;font-weight:500;color:var(--soft);text-align:left;vertical-align:bottom;white-space:nowrap}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line)}
td{vertical-align:top}
th:last-child,td:last-child{padding-right:0}
thead th{border-bottom-color:var(--faint)}
.number{text-align:right}
.nowrap{white-space:nowrap}
.none{color:var(--faint)}
.place{text-align:center;width:34px;padding-left:4px;padding-right:4px}
td.place{vertical-align:top}
.key{display:inline-flex;justify-content:center;align-items:center;min-width:19px;height:19px;padding:0 5px;border-radius:10px;background:var(--band);border:1px solid var(--line);color:var(--ink);font-size:11px;font-weight:600}
.thing{position:relative;min-width:230px;padding-left:calc(var(--depth)*20px)}
.thing .mark{margin-right:8px}
.thing b{font-weight:600}
.thing .more{display:block;margin-left:23px;overflow-wrap:anywhere}
.thing .reason{font-size:12px}
.instead{margin-left:5px}
.instead code{font-size:11px}
.rail{position:absolute;top:0;bottom:-1px;width:0;left:calc(var(--i)*20px + 7px);border-left:1px solid var(--faint)}
.rail.last{bottom:auto;height:16px}
.rail.branch::after{content:"";position:absolute;top:16px;left:0;width:9px;border-top:1px solid var(--faint)}
.rail.last.branch::after{top:15px}
.rail.stem{top:25px}
tr.artifact td{background:var(--band)}
tr.artifact .thing>b{font-weight:650}
tr.passed .thing b,tr.passed td{color:var(--soft)}
tr.passed .thing b{font-weight:500}
tr.group td{padding-top:14px;color:var(--soft);font-size:12px}
tr:target td{background:var(--unsure-soft)}
.audience{display:inline-block;margin-left:8px;padding:0 6px;border:1px solid var(--line);border-radius:4px;font-size:11px;line-height:17px;color:var(--soft)}
.audience.public{color:var(--plain)}
.full{display:none}
svg.timeline{display:block;min-width:860px;width:100%;height:auto}
svg.timeline text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink)}
svg.timeline .soft{fill:var(--soft);font-size:11px}
svg.timeline .grid{stroke:var(--line)}
svg.timeline .now{stroke:var(--ink);stroke-dasharray:3 3}
svg.timeline .tick{stroke:currentColor;stroke-width:1.4;opacity:.6}
footer{margin-top:44px;padding-top:14px;border-top:1px solid var(--line);color:var(--soft);font-size:12px}
@media (max-width:720px){main{padding:24px 16px}}
@media print{
@page{size:A4 landscape;margin:12mm}
:root{color-scheme:light;${LIGHT};--soft:#444b54}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:8.5pt}
main{max-width:none;padding:0}
h1{font-size:17pt}
h2{break-after:avoid;margin-top:20pt}
table{font-size:7.5pt}
th,td small,dd small,.thing .reason,.legend,tr.group td{font-size:6.8pt}
th,td{padding:2pt 7pt 2pt 0}
.place{width:15pt;padding:2pt 1pt}
.audience{margin-left:4pt;padding:0 3pt;font-size:6pt;line-height:8pt}
.thing .mark{margin-right:4pt}
.thing .more{margin-left:13pt}
.rail.last{height:11px}
.rail.branch::after,.rail.last.branch::after{top:10px}
.rail.stem{top:18px}
code{font-size:6.8pt}
.key{min-width:12pt;height:12pt;font-size:6.5pt}
.scroll{overflow:visible}
thead{display:table-header-group}
tr,.facts,svg.timeline{break-inside:avoid}
a{color:inherit}
.short{display:none}
.full{display:inline-block;width:36ch;font-size:5.6pt;line-height:1.25;white-space:normal;word-break:break-all}
.thing{min-width:0;width:30%}
.mark{width:9pt;height:9pt}
svg.timeline{min-width:0}
}
`;
