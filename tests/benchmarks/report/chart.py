"""The chart of docs/benchmarks.md: how near to the ideal each contestant comes while payments take their time."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tests.benchmarks.contest import Contest, Side

_SVG = "http://www.w3.org/2000/svg"
_FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"

# Colours stand in a style sheet, since only that can follow the reader's light or dark mode; contrast is at least 4.5
# for text in both.
_STYLE = f"""
text {{ font-family: {_FONT}; font-size: 14px; fill: #1f2430; }}
.page {{ fill: #ffffff; }}
.heading {{ font-size: 18px; font-weight: 600; }}
.panel {{ font-weight: 600; }}
.quiet {{ font-size: 12px; fill: #5b6472; }}
.figure {{ font-variant-numeric: tabular-nums; }}
.grid {{ stroke: #e3e6eb; stroke-width: 1; }}
.ideal {{ stroke: #5b6472; stroke-width: 1.5; stroke-dasharray: 4 4; }}
.track {{ fill: #f3f4f7; }}
.folio {{ fill: #1f6f8b; }}
.others {{ fill: #a3abb8; }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #e6e9ef; }}
  .page {{ fill: #14171c; }}
  .quiet {{ fill: #9aa4b2; }}
  .grid {{ stroke: #2a2f38; }}
  .ideal {{ stroke: #9aa4b2; }}
  .track {{ fill: #1c2027; }}
  .folio {{ fill: #4fb3d1; }}
  .others {{ fill: #6b7482; }}
}}
"""

_WIDTH = 800
_MARGIN = 28
_LEFT = 178
_RIGHT = 640
_ROW = 30
_BAR = 18
_PANEL_HEAD = 44
_TOP = 92
_BOTTOM = 44


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    is_folio: bool
    share: float
    rate: float


def chart(contests: list[Contest]) -> str:
    """The SVG of contests whose yardstick is an ideal; each becomes a panel, its fastest contestant on top."""
    panels = [(contest, _bars(contest)) for contest in contests if not contest.not_run]
    height = _TOP + sum(_PANEL_HEAD + _ROW * len(bars) for _, bars in panels) + _BOTTOM
    svg = ET.Element(
        "svg", xmlns=_SVG, viewBox=f"0 0 {_WIDTH} {height}", width=str(_WIDTH), height=str(height), role="img"
    )
    svg.set("aria-labelledby", "title description")
    ET.SubElement(svg, "title", id="title").text = "Checkouts a second while each waits 50 ms for its payment"
    ET.SubElement(svg, "desc", id="description").text = " ".join(_told(contest, bars) for contest, bars in panels)
    ET.SubElement(svg, "style").text = _STYLE
    ET.SubElement(svg, "rect", {"class": "page"}, width=str(_WIDTH), height=str(height), rx="10")
    _head(svg)
    top = _TOP
    for contest, bars in panels:
        _panel(svg, top, contest, bars)
        top += _PANEL_HEAD + _ROW * len(bars)
    for percent in (0, 25, 50, 75, 100):
        _text(svg, _at(percent / 100), height - 20, f"{percent} %", "quiet", "middle")
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _bars(contest: Contest) -> list[_Bar]:
    bars = [
        _Bar(side.title.strip("`"), side.title.startswith("`"), contest.ratio(side), side.rate)
        for side in contest.sides
    ]
    return sorted(bars, key=lambda bar: -bar.share)


def _told(contest: Contest, bars: list[_Bar]) -> str:
    """A panel in words, for those who can't see it."""
    figures = "; ".join(f"{bar.name} {bar.rate:,.0f} a second, {bar.share:.0%} of the ideal" for bar in bars)
    return f"{contest.title}: {figures}."


def _head(svg: ET.Element) -> None:
    _text(svg, _MARGIN, 38, "Checkouts a second while each waits 50 ms for its payment", "heading")
    _text(
        svg, _MARGIN, 62, "Numbers of one series, the payment inside the transaction, as a share of the ideal", "quiet"
    )
    for left, css, label in ((_RIGHT - 20, "folio", "Folio"), (_RIGHT + 56, "others", "others")):
        ET.SubElement(svg, "rect", {"class": css}, x=str(left), y="51", width="12", height="12", rx="3")
        _text(svg, left + 18, 62, label, "quiet")


def _panel(svg: ET.Element, top: int, contest: Contest, bars: list[_Bar]) -> None:
    assert not isinstance(contest.yardstick, Side)
    bottom = top + _PANEL_HEAD + _ROW * len(bars)
    in_flight = contest.title.rpartition(", ")[2]
    _text(svg, _MARGIN, top + 28, in_flight, "panel")
    _text(svg, _at(1), top + 28, f"ideal {contest.yardstick:,.0f}", "quiet", "middle")
    for percent in (0, 25, 50, 75):
        _line(svg, _at(percent / 100), top + _PANEL_HEAD - 6, bottom - 2, "grid")
    for at, bar in enumerate(bars):
        middle = top + _PANEL_HEAD + _ROW * at + _ROW / 2 - 2
        _text(svg, _LEFT - 14, middle + 5, bar.name, "name", "end")
        # A bar too short to see would look like none.
        ET.SubElement(
            svg,
            "rect",
            {"class": "folio" if bar.is_folio else "others"},
            x=f"{_LEFT}",
            y=f"{middle - _BAR / 2:g}",
            width=f"{max(2, _at(bar.share) - _LEFT):.1f}",
            height=f"{_BAR}",
            rx="3",
        )
        # Beside the bar where that is free, else beyond the line of the ideal.
        beside = _at(bar.share) + 10 if bar.share < 0.8 else max(_at(1), _at(bar.share)) + 14
        _text(svg, beside, middle + 5, f"{bar.rate:,.0f}", "figure")
    _line(svg, _at(1), top + _PANEL_HEAD - 10, bottom - 2, "ideal")


def _at(share: float) -> float:
    """The place of a share of the ideal, from the left."""
    return _LEFT + share * (_RIGHT - _LEFT)


def _line(svg: ET.Element, x: float, top: float, bottom: float, css: str) -> None:
    ET.SubElement(svg, "line", {"class": css}, x1=f"{x:g}", x2=f"{x:g}", y1=f"{top:g}", y2=f"{bottom:g}")


def _text(svg: ET.Element, x: float, y: float, text: str, css: str, anchor: str = "start") -> None:
    attributes = {"class": css, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    ET.SubElement(svg, "text", attributes).text = text
