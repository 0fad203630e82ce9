"""Charts as pictures: PNG, or one HTML file with the SVG inside, for light and dark, whose text stays text.

Drawn with Matplotlib (extra ``analytics``). It is given stand-ins for colours, which in the SVG become CSS variables.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import ConvmineError

if TYPE_CHECKING:
    from workers.cli.questions.charts import Chart

_COLOURS: Final[Mapping[str, tuple[str, str]]] = {
    "paper": ("#ffffff", "#18181b"),
    "ink": ("#27272a", "#e4e4e7"),
    "faint": ("#d4d4d8", "#3f3f46"),
    "curve-0": ("#0b6fb8", "#5eb1ef"),
    "curve-1": ("#c2410c", "#fb923c"),
    "curve-2": ("#15803d", "#4ade80"),
    "curve-3": ("#7c3aed", "#b794f6"),
    "curve-4": ("#a16207", "#facc15"),
    "curve-5": ("#be185d", "#f472b6"),
    "curve-6": ("#0f766e", "#2dd4bf"),
    "curve-7": ("#57534e", "#a8a29e"),
}
"""Each in light and in dark; Matplotlib draws with the light ones."""
_FONTS: Final = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip
"""The first that has a character draws it; those that may have Chinese come after the one that is always there."""
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "convmine",
    "text.parse_math": False,
    "font.family": list(_FONTS),
}
_DPI: Final = 144
_SIZE: Final = re.compile(r'<svg[^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"')
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ {light} }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }}
h1 {{ font-size: 1.3rem; overflow-wrap: anywhere; }}
p {{ margin: 0.2rem 0; }}
svg {{ width: 100%; height: auto; }}
svg text {{ font-family: system-ui, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif !important; }}
</style>
</head>
<body>
<h1>{title}</h1>
{notes}
{svg}
</body>
</html>
"""


class PlotFile(click.ParamType):
    """A file to draw into, ``.png`` or ``.html``."""

    name = "FILE.png|FILE.html"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ANN401 - click's own
        path = Path(value)
        if path.suffix.lower() not in {".png", ".html"}:
            self.fail(f"{path} is neither .png nor .html", param, ctx)
        return path


plot_option = click.option("--plot", type=PlotFile(), help="Draw it into this file, too.")


def write_plot(chart: Chart, path: Path) -> None:
    """Draw the chart into a ``.png`` or ``.html`` file.

    Raises:
        ConvmineError: Matplotlib is not installed, or the file cannot be written.
    """
    is_page = path.suffix.lower() == ".html"
    try:
        drawn = _page(chart).encode() if is_page else _png(chart)
        path.write_bytes(drawn)
    except OSError as error:
        raise ConvmineError(f"{path} cannot be written: {error.strerror or error}") from error


def _page(chart: Chart) -> str:
    """The whole HTML file; all that comes from calls is escaped."""
    with _matplotlib():
        from workers.cli.questions.drawing import drawn

        file = io.StringIO()
        drawn(chart, _light(), titled=False).savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _PAGE.format(
        title=escape(chart.title),
        notes="\n".join(f"<p>{escape(note)}</p>" for note in chart.notes),
        svg=_inline(file.getvalue(), chart.title),
        light=_variables(0),
        dark=_variables(1),
    )


def _png(chart: Chart) -> bytes:
    with _matplotlib() as said:
        from workers.cli.questions.drawing import drawn

        file = io.BytesIO()
        drawn(chart, _light(), titled=True).savefig(file, format="png", dpi=_DPI, facecolor=_light()["paper"])
    if any("missing from font" in str(one.message) for one in said):
        click.echo("no font here has all characters of this picture: draw .html, or install Noto Sans CJK", err=True)
    return file.getvalue()


@contextmanager
def _matplotlib() -> Iterator[list[warnings.WarningMessage]]:
    """With its settings, so that text from calls is never read as mathematics; what it warns of is given.

    Raises:
        ConvmineError: it is not installed.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError as error:
        raise ConvmineError(
            "--plot draws with Matplotlib, which is not installed", hint="pip install 'convmine[analytics]'"
        ) from error
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports each font of the list that is not there
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield said


def _light() -> dict[str, str]:
    return {name: light for name, (light, _) in _COLOURS.items()}


def _variables(side: int) -> str:
    return " ".join(f"--{name}: {colours[side]};" for name, colours in _COLOURS.items())


def _inline(svg: str, title: str) -> str:
    """The SVG without its prologue and its size, its colours as variables of the page."""
    body = svg[svg.index("<svg") :]
    for name, (light, _) in _COLOURS.items():
        body = body.replace(f": {light}", f": var(--{name})")
    if size := _SIZE.search(body):
        start = '<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" role="img" '
        body = f'{start}aria-label="{escape(title)}" viewBox="0 0 {size[1]} {size[2]}">' + body[body.index(">") + 1 :]
    return body
