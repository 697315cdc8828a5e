"""Charts of Office files: what they plot, as a table of categories and series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rag.documents.formats.base.limits import progress
from rag.documents.formats.base.sections import Block, flat
from rag.documents.formats.office.number_format import shown_number
from rag.documents.formats.tables.rows import table_blocks

MAIN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
NEWER_CHART = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"  # waterfalls, funnels, treemaps
CHARTS = (f"{CHART}chart", f"{NEWER_CHART}chart")  # what a drawing names a chart by
Points = dict[int, str]  # the shown values by their number


def chart_blocks(root: Any, page: int | None = None) -> list[Block]:
    """Return a chart's title, and its table with a row for each category and a column for each series.

    root: the chart part's XML. The table is left out where the file has no values of the chart.
    """
    newer = root.tag.startswith(NEWER_CHART)
    series = list(_newer_series(root) if newer else _series(root))
    title, *axes = _titles(root, NEWER_CHART if newer else CHART)
    about = f"({'; '.join(filter(None, axes))})" if any(axes) else ""
    blocks = [Block(": ".join(filter(None, ("Chart", f"{title} {about}".strip()))), 0, page)]
    for rows in _tables(series, axes[0] if axes else ""):
        blocks += table_blocks(rows, page, header=1, caption=title)
    return blocks


def _titles(root: Any, space: str) -> Iterator[str]:
    """Yield the title of the chart, "" where it has none, and those of its axes."""
    chart = root.find(f".//{space}chart")
    title = None if chart is None else chart.find(f"{space}title")
    yield "" if title is None else _title_text(title)
    for axis in root.iter(f"{space}catAx", f"{space}valAx", f"{space}dateAx", f"{space}serAx", f"{space}axis"):
        for title in axis.findall(f"{space}title"):
            yield _title_text(title)


def _title_text(title: Any) -> str:
    words = [node.text or "" for node in title.iter(f"{MAIN}t")]
    return flat(" ".join(words) or " ".join(node.text or "" for node in title.iter(f"{CHART}v")))


def _series(root: Any) -> Iterator[tuple[str, Points, Points]]:
    """Yield name, categories and values of each series."""
    code = _shown_code(root)
    for number, series in enumerate(root.iter(f"{CHART}ser"), 1):
        progress()
        name = " ".join(v.text or "" for text in series.findall(f"{CHART}tx") for v in text.iter(f"{CHART}v"))
        categories = _points(series, ("cat", "xVal"), "")
        values = _points(series, ("val", "yVal"), _label_code(series) or code)
        sizes = _points(series, ("bubbleSize",), "")
        yield flat(name) or f"Series {number}", categories, values
        if sizes:
            yield f"{flat(name)} size".strip(), categories, sizes


def _shown_code(root: Any) -> str:
    """Return the number format of the value axis, "" where it is that of the values."""
    axis = root.find(f".//{CHART}valAx/{CHART}numFmt")
    return "" if axis is None or axis.get("sourceLinked") in ("1", "true") else axis.get("formatCode", "")


def _label_code(series: Any) -> str:
    label = series.find(f"{CHART}dLbls/{CHART}numFmt")
    return "" if label is None or label.get("sourceLinked") in ("1", "true") else label.get("formatCode", "")


def _points(series: Any, names: tuple[str, ...], code: str) -> Points:
    """Return the points of the first of these parts of a series; several levels of categories are joined."""
    part = next((found for name in names if (found := series.find(f"{CHART}{name}")) is not None), None)
    if part is None:
        return {}
    own = next((node.text for node in part.iter(f"{CHART}formatCode")), "") or ""
    levels = [_level(level, code or own) for level in part.iter(f"{CHART}lvl")]
    if not levels:
        return _level(part, code or own)
    joined: Points = {}
    for number in sorted({number for level in levels for number in level}):
        # an outer category stands at the first of its inner ones
        outer = (level.get(max((n for n in level if n <= number), default=-1), "") for level in reversed(levels))
        joined[number] = ", ".join(filter(None, outer))
    return joined


def _level(level: Any, code: str) -> Points:
    found = {}
    for point in level.iter(f"{CHART}pt"):
        value = flat(point.findtext(f"{CHART}v") or "")
        found[int(point.get("idx", 0))] = _shown(value, point.get("formatCode") or code)
    return found


def _shown(value: str, code: str) -> str:
    try:
        return shown_number(float(value), code) if code else value
    except ValueError:
        return value


def _newer_series(root: Any) -> Iterator[tuple[str, Points, Points]]:
    data = {each.get("id"): each for each in root.iter(f"{NEWER_CHART}data")}
    for number, series in enumerate(root.iter(f"{NEWER_CHART}series"), 1):
        reference = series.find(f"{NEWER_CHART}dataId")
        of_series = data.get(None if reference is None else reference.get("val"))
        if of_series is None:
            continue
        name = " ".join(v.text or "" for v in series.findall(f"{NEWER_CHART}tx//{NEWER_CHART}v"))
        categories, values = (_dimension(of_series, f"{NEWER_CHART}{kind}Dim") for kind in ("str", "num"))
        yield flat(name) or f"Series {number}", categories, values


def _dimension(data: Any, name: str) -> Points:
    """Return the points of a dimension; its levels stand from the inner one to the outer."""
    levels = [
        {int(p.get("idx", 0)): _shown(flat(p.text or ""), level.get("formatCode", "")) for p in level}
        for level in data.findall(f"{name}/{NEWER_CHART}lvl")
    ]
    numbers = sorted({number for level in levels for number in level})
    return {n: ", ".join(filter(None, (level.get(n, "") for level in reversed(levels)))) for n in numbers}


def _tables(series: list[tuple[str, Points, Points]], axis: str) -> Iterator[list[list[str]]]:
    """Yield a table for the series of each set of categories. axis: what the categories are called, "" if nothing."""
    shared: list[tuple[Points, list[tuple[str, Points]]]] = []
    for name, categories, values in series:
        if not shared or (categories and categories != shared[-1][0]):
            shared.append((categories, []))
        shared[-1][1].append((name, values))
    for categories, columns in shared:
        numbers = sorted({*categories, *(n for _, values in columns for n in values)})
        rows = [[categories.get(n, str(n + 1)), *(values.get(n, "") for _, values in columns)] for n in numbers]
        if any(any(row[1:]) for row in rows):
            yield [[axis or ("" if len(columns) > 1 else "Category"), *(name for name, _ in columns)], *rows]
