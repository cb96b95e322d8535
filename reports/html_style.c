/*
 * The style of the page: typography first, few rules, plain ink for what passes. Two colours carry
 * meaning and never alone: red for disproved, ochre for what needs a look. Both schemes keep 4.5:1
 * for text and 3:1 for marks (WCAG 2.2 AA), computed by tests/unit/test_html.c from this file's
 * palette.
 */
#include "reports/html.h"

#include <stddef.h>

const char *const html_style[] = {
	":root{--paper:#fffef9;--ink:#1c1b19;--mid:#5b5852;--rule:#d9d5ca;--bad:#b3261e;"
	"--wv:#7a5200;--link:#1f4e79}\n",
	"@media (prefers-color-scheme:dark){:root{--paper:#16171a;--ink:#e9e6de;"
	"--mid:#a7a399;--rule:#3a3b40;--bad:#ff8f80;--wv:#e2b458;--link:#9cc3ea}}\n",
	"*{box-sizing:border-box}\n",
	"html{-webkit-text-size-adjust:100%}\n",
	"body{margin:0;overflow-wrap:break-word;background:var(--paper);color:var(--ink);"
	"font:17px/1.5 \"Iowan Old Style\",\"Palatino Linotype\",Palatino,"
	"\"TeX Gyre Pagella\",\"Book Antiqua\",serif;font-variant-numeric:lining-nums}\n",
	"header,main,footer{max-width:1120px;margin:0 auto;padding:0 32px}\n",
	"header{padding-top:56px}\n",
	"table,dl,.tally,.key,svg text,.how,.ev,.past,.why{font-family:Inter,system-ui,"
	"-apple-system,\"Segoe UI\",Roboto,\"Liberation Sans\",sans-serif}\n",
	"code{font:.86em/1.4 ui-monospace,\"SF Mono\",Menlo,Consolas,\"DejaVu Sans Mono\","
	"monospace;letter-spacing:-.01em;unicode-bidi:isolate;overflow-wrap:anywhere}\n",
	"h1 code{font-size:.82em;font-weight:400}\n",
	"a{color:inherit;text-decoration:underline;text-decoration-color:var(--mid);"
	"text-decoration-thickness:1px;text-underline-offset:3px}\n",
	"a:hover{text-decoration-color:currentColor}\n",
	"a:focus-visible{outline:2px solid var(--link);outline-offset:2px}\n",
	".skip{position:absolute;left:-999px}\n",
	".skip:focus{left:16px;top:12px}\n",
	".vh{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);"
	"white-space:nowrap}\n",
	".bad{color:var(--bad)}\n",
	".wv{color:var(--wv)}\n",
	"h2 .on{display:block;font-size:16px;color:var(--mid)}\n",
	".kicker{overflow-wrap:anywhere;margin:0 0 10px;color:var(--mid);font-size:15px}\n",
	"h1{font-weight:400;font-size:34px;line-height:1.26;margin:0 0 26px;max-width:34em;"
	"letter-spacing:-.005em;text-wrap:balance;overflow-wrap:anywhere}\n",
	"h1 .vd{font-weight:700}\n",
	"h2{font-weight:400;font-style:italic;font-size:25px;line-height:1.25;"
	"margin:0 0 16px}\n",
	"h2 .nm{font-style:normal;overflow-wrap:anywhere}\n",
	"h3{font-weight:400;font-size:17px;margin:0 0 8px;overflow-wrap:anywhere}\n",
	".prov{display:grid;grid-template-columns:repeat(3,auto);"
	"justify-content:space-between;gap:12px 40px;margin:0;padding:14px 0;"
	"border-top:1px solid var(--ink);border-bottom:1px solid var(--rule);font-size:13px}\n",
	".prov dt{color:var(--mid);font-size:12px}\n",
	".prov dd{margin:0;overflow-wrap:anywhere}\n",
	".tally{list-style:none;display:flex;flex-wrap:wrap;gap:4px 26px;margin:14px 0 0;"
	"padding:0;font-size:14px}\n",
	".tally b{font-weight:600;font-variant-numeric:tabular-nums}\n",
	"section{margin-top:58px}\n",
	".two{display:grid;grid-template-columns:210px minmax(0,1fr);gap:0 32px}\n",
	".two h2{grid-row:1/span 3}\n",
	".two>:not(h2){grid-column:2;margin-top:0}\n",
	".chg{margin:0;padding:0;list-style:none;max-width:46em}\n",
	".chg li{padding:7px 0;border-top:1px solid var(--rule);overflow-wrap:anywhere}\n",
	".chg li:first-child{border-top:0;padding-top:3px}\n",
	".chg b{font-weight:600;margin-right:6px}\n",
	".find{margin-top:14px;font-size:16px}\n",
	".find li:first-child{padding-top:7px}\n",
	"table{border-collapse:collapse;font-size:13.5px;line-height:1.35;"
	"font-variant-numeric:tabular-nums lining-nums}\n",
	"th{font-weight:400;text-align:left}\n",
	"thead th{color:var(--mid);font-size:12px;padding:0 10px 6px 0;vertical-align:bottom;"
	"border-bottom:1px solid var(--ink)}\n",
	"tbody td,tbody th{padding:8px 10px 8px 0;border-bottom:1px solid var(--rule);"
	"vertical-align:middle}\n",
	"tbody th{overflow-wrap:anywhere}\n",
	".num{text-align:right}\n",
	".nb{white-space:nowrap}\n",
	"thead .num{white-space:nowrap}\n",
	".led,.rb{width:100%}\n",
	".st{white-space:nowrap;width:104px;color:var(--mid)}\n",
	"tr.bad .st,tr.bad .v{color:var(--bad);font-weight:600}\n",
	"tr.wv .st,tr.wv .v{color:var(--wv);font-weight:600}\n",
	"tr.bad,tr.wv{color:inherit}\n",
	".sub{display:block;color:var(--mid);font-size:12.5px;font-weight:400}\n",
	"tr.co td,tr.co th{border-bottom-color:transparent;padding-bottom:3px}\n"
	"tr.co+tr td,tr.co+tr th{padding-top:3px}\n",
	".led thead th:nth-child(2){width:35%}\n",
	".se{display:block;font-size:12.5px;padding-left:14px}\n",
	".led .b{color:var(--mid);padding-right:20px;max-width:220px;overflow-wrap:anywhere}\n",
	".led .v{max-width:190px;overflow-wrap:break-word}\n",
	".led .n{color:var(--mid);padding-right:0;white-space:nowrap}\n",
	".led .rm{width:104px}\n",
	".led .tr{width:134px}\n",
	".soft{font-size:11.5px;color:var(--mid);border:1px solid var(--mid);"
	"border-radius:3px;padding:0 4px;margin-left:4px;white-space:nowrap}\n",
	"svg{display:block;overflow:visible}\n",
	".ic{display:inline-block;vertical-align:-1px;margin-right:3px;fill:none;"
	"stroke:currentColor;stroke-width:1.6}\n",
	".l{fill:none;stroke:var(--mid);stroke-width:1}\n",
	".l2{fill:none;stroke:var(--ink);stroke-width:1.3;stroke-linejoin:round}\n",
	".th,.thb{stroke:var(--mid);stroke-width:1;stroke-dasharray:2 3;fill:none}\n",
	".thb{stroke:var(--ink);stroke-dasharray:3 3}\n",
	".d{fill:var(--ink)}\n",
	".d.bad{fill:var(--bad)}\n",
	".d.wv{fill:var(--wv)}\n",
	".ax{stroke:var(--rule);stroke-width:1}\n",
	".axl{stroke:var(--mid);stroke-width:1}\n",
	".bar{stroke:var(--ink);stroke-width:2}\n",
	".bar.bad,.ov.bad{stroke:var(--bad)}\n",
	".bar.wv,.ov.wv{stroke:var(--wv)}\n",
	".bd{stroke:var(--ink);stroke-width:1.4}\n",
	".ov{fill:none;stroke:var(--ink);stroke-width:2}\n",
	".tk{font-size:11px;fill:var(--mid)}\n",
	".key{display:flex;flex-wrap:wrap;gap:4px 26px;font-size:12.5px;color:var(--mid);"
	"margin:12px 0 0}\n",
	".key span{display:inline-flex;align-items:center;gap:7px}\n",
	".fail{padding:18px 0;border-top:1px solid var(--rule)}\n",
	".fail h3>span:first-child{font-weight:600;margin-right:8px}\n",
	".fail h3 .ti{color:var(--mid);margin-left:6px}\n",
	".se1{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:4px 40px;"
	"margin-top:6px}\n",
	".lead{margin:0 0 6px;overflow-wrap:anywhere}\n",
	".lead b{font-weight:600}\n",
	".past,.why{font-size:13px;color:var(--mid);margin:0 0 8px}\n",
	".ev{list-style:none;margin:0 0 10px;padding:0;font-size:13px}\n",
	".ev li{padding:4px 0;border-bottom:1px solid var(--rule);overflow-wrap:anywhere}\n",
	".ev li:first-child{border-top:1px solid var(--ink)}\n",
	".how{list-style:none;padding:0;font-size:12.5px;line-height:1.75;margin:10px 0 0}\n",
	".how li{display:grid;grid-template-columns:11em minmax(0,1fr);align-items:baseline}\n"
	".how span{color:var(--mid)}.how div{min-width:0}\n",
	"figure{margin:0 0 8px}\n",
	"figure svg{overflow:hidden;width:100%;max-width:430px;height:auto}\n",
	".intro{max-width:44em;margin:0 0 16px}\n",
	".steps span{white-space:nowrap;margin-right:8px}\n",
	".rb th,.rb td:nth-child(3){min-width:6em;overflow-wrap:anywhere}.rb .num{white-"
	"space:nowrap}\n",
	".gt thead th:nth-child(2){width:27%}\n",
	".gt td.num{white-space:nowrap}\n",
	".fix,.note{color:var(--mid)}\n",
	"footer{overflow-wrap:anywhere;margin-top:64px;padding-bottom:48px;color:var(--mid);font-"
	"size:13px}\n",
	"@media screen and (max-width:860px){body{font-size:16px}header,main,"
	"footer{padding:0 18px}header{padding-top:32px}h1{font-size:26px}"
	"section{margin-top:44px}.prov{grid-template-columns:1fr 1fr}.two,.se1{display:block}"
	".two h2{margin-bottom:10px}.how li{display:block}\n",
	".led,.led tbody,.rb,.rb tbody{display:block}.led thead,.rb thead{display:none}"
	".led tr,.rb tr{display:grid;grid-template-columns:96px minmax(0,1fr) auto;"
	"gap:2px 12px;padding:10px 0;border-bottom:1px solid var(--rule)}tbody td,"
	"tbody th{border:0;padding:0;min-width:0}.led tr{grid-template-columns:120px "
	"minmax(0,1fr) auto}.led .st,.rb .st{grid-row:1;width:auto}"
	".led th,.rb th{grid-column:2/4;grid-row:1}.led .v{grid-column:1;grid-row:2;"
	"text-align:left;max-width:none}.led .b{grid-column:1;grid-row:3;text-align:left;"
	"font-size:12.5px;padding:0;max-width:none}.led .rm{grid-column:2;grid-row:2}"
	".led .tr{grid-column:2;grid-row:3}.led .n{display:none}"
	".rb td:not(.st){grid-column:2/4;text-align:left}.rb "
	".num:empty{display:none}"
	".rb .v::before{content:\"restored in \"}.rb td:nth-child(5):not(:empty)::after{"
	"content:\" objects\"}.rb td:nth-child(6):not(:empty)::after{content:\" files\"}}\n",
	"@media print{:root{--paper:#fff;--ink:#000;--mid:#444;--rule:#ccc;--bad:#a01a12;"
	"--wv:#6a4600;--link:#000}\n",
	"@page{size:A4;margin:13mm 12mm}\n",
	"body{font-size:9.6pt;line-height:1.42}header,main,footer{max-width:none;padding:0}"
	"h1{font-size:18pt;margin-bottom:10pt;max-width:none}h2{font-size:14pt;"
	"margin-bottom:8pt}h3{font-size:10pt}.kicker{overflow-wrap:anywhere;font-size:9pt}\n",
	"section{margin-top:11pt}table{font-size:7.8pt}tbody td,"
	"tbody th{padding:2.2pt 6pt 2.2pt 0}thead th{font-size:7pt;padding-right:6pt}\n",
	".st{width:56pt}.sub,.se,.key,.how,.past,.why,.ev{font-size:7.4pt}"
	".led .rm{width:56pt}.led .tr{width:72pt}.led .bu{width:50pt;height:11pt}"
	".led .sp{width:66pt;height:14pt}\n",
	".prov,.tally{font-size:7.8pt}.prov dt{font-size:7pt}.prov{padding:7pt 0}"
	".tally{margin-top:8pt;gap:2pt 14pt}\n",
	".two{grid-template-columns:96pt minmax(0,1fr);gap:0 14pt}.two h2{font-size:12pt}h2 "
	".on{font-size:9pt}"
	".se1{gap:2pt 20pt}.fail{padding:8pt 0}.chg li{padding:2.5pt 0}.find{font-size:9pt}\n",
	"tr,figure,.se1,.chg li{break-inside:avoid}h2,h3,.intro{break-after:avoid}"
	"thead{display:table-header-group}\n",
	".skip{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
	"a{text-decoration:none}}\n",
	NULL,
};
