"""How the page looks, on a screen and on paper (A4)."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{font:14px/1.45 "DejaVu Sans","Liberation Sans",Arial,sans-serif;color:#1b1f24;background:#fff;max-width:980px;
margin:24px auto;padding:0 20px;font-variant-numeric:tabular-nums}
header{display:flex;justify-content:space-between;align-items:baseline;border-bottom:2px solid #1b1f24}
h1{font-size:24px;margin:0 0 4px}
.where{font-size:16px;margin:0}
h2{font-size:17px;margin:26px 0 8px}
h3{font-size:14px;margin:16px 0 4px}
.verdict{font-size:17px;font-weight:700;padding:10px 14px;margin:14px 0;border:2px solid;border-left-width:10px}
.verdict.good{color:#14532d;background:#eef7f0}
.verdict.doubt{color:#7a4b00;background:#fff7e6}
.verdict.bad{color:#8c1616;background:#fdf0f0}
table{border-collapse:collapse;width:100%;margin:6px 0 12px}
th,td{text-align:left;padding:4px 8px;border-bottom:1px solid #d5dae0;vertical-align:top}
thead th{border-bottom:2px solid #6b7480;font-size:12px}
small{display:block;color:#5a6470;font-weight:400;font-size:11px}
.name{white-space:nowrap}
.facts th{width:120px;font-weight:400;color:#5a6470}
.facts ul{margin:4px 0;padding-left:18px}
.failures th:last-child{width:32%}
.devices td,.devices th{white-space:nowrap}
.devices small,.devices td:last-child{white-space:normal}
.summary b{white-space:nowrap}
.summary small{display:inline;margin-left:4px}
.lines{font-size:12px}
.lines th,.lines td{padding:2px 6px;text-align:right;white-space:nowrap}
.lines thead th{vertical-align:bottom;white-space:normal}
.lines thead small{white-space:nowrap}
.lines th:first-child,.lines td.pass,.lines td.fail,.first thead th:nth-child(2){text-align:left}
.lines tbody th{font-weight:600}
.lines .least th,.lines .least td{border-top:2px solid #6b7480;font-weight:400;color:#5a6470}
tr.bad td,td.bad{background:#fdf0f0;color:#8c1616;font-weight:600}
td.fail{color:#8c1616;font-weight:700;white-space:nowrap}
td.pass{color:#14532d;font-weight:700}
.sign{border:1px solid #6b7480;padding:8px 14px 10px;margin:16px 0;break-inside:avoid}
.sign p{margin:0 0 26px}
.sign dl{display:flex;gap:28px;margin:0}
.sign div{flex:1}
.sign div:last-child{flex:1.6}
.sign dd{margin:0;border-bottom:1px solid #1b1f24;padding:0 4px 2px;font-size:15px}
.sign dt{font-size:11px;color:#5a6470;padding-top:2px}
figure{margin:22px 0;break-inside:avoid}
figcaption{margin-bottom:4px}
svg{width:100%;height:auto;display:block}
svg text{font-size:11px;fill:#3c444d}
svg .label{fill:#8c1616;font-weight:700}
.grid{stroke:#e3e7ec}
.frame{fill:none;stroke:#6b7480}
.limit{stroke:#b25b5b;stroke-dasharray:5 3}
.out{fill:#f7e9e9}
polyline{fill:none;stroke-width:1.3;stroke-linejoin:round}
polyline.good{stroke:#2a5d9f;opacity:.55}
polyline.bad{stroke:#b01818;stroke-width:2}
circle.good{fill:#2a5d9f}
path.bad{stroke:#b01818;stroke-width:2.4;fill:none}
.badcell{stroke:#b01818;stroke-width:2}
ul{margin:4px 0 12px;padding-left:20px}
thead{display:table-header-group}
tr,section{break-inside:avoid}
h2,h3,figcaption{break-after:avoid}
@media print{
body{max-width:none;margin:0;padding:0;font-size:11px;-webkit-print-color-adjust:exact;print-color-adjust:exact}
th,td{padding:3px 6px}small{font-size:9px}thead th{font-size:10px}
.lines{font-size:9px;line-height:1.3;break-inside:avoid}.lines th,.lines td{padding:0 4px}
.lines thead th{font-size:9px}.lines small{font-size:8px}
h1{font-size:20px}.verdict{font-size:14px}figure{margin:12px 0}
}
""".replace("\n", "")


def footer(text: str) -> str:
    """Give the rule that puts a text and the page's number below each printed page."""
    quoted = "".join(char if char.isalnum() or char == " " else f"\\{ord(char):x} " for char in text)
    font = 'font:8px "DejaVu Sans","Liberation Sans",Arial,sans-serif;color:#5a6470'
    return (
        f'@page{{size:A4;margin:14mm 12mm;@bottom-left{{content:"{quoted}";{font}}}'
        f'@bottom-right{{content:counter(page) " / " counter(pages);{font}}}}}'
    )
