"""A flow as one HTML page that needs nothing else: the drawing, a control to hide what is rare, and all edges as rows.

What comes from calls is shown as text: the template escapes all that is put into it. A content security policy lets
only the page's own script and style run.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from pipeline.flow.drawing import Picture
from pipeline.flow.drawing_svg import svg

_TEMPLATE: Final = "page.html.jinja"
_SCRIPT: Final = """
const hide = document.getElementById("hide"), told = document.getElementById("told");
const links = [...document.querySelectorAll("[data-share]")];
function show() {
  const least = Number(hide.value) / 100;
  let left = 0;
  for (const link of links) {
    const hidden = Number(link.dataset.share) < least;
    link.toggleAttribute("hidden", hidden);
    link.style.display = hidden ? "none" : "";
    if (!hidden && link.tagName === "g") left += 1;
  }
  told.textContent = `${hide.value}%: ${left} edges are shown`;
}
hide.addEventListener("input", show);
const fit = document.getElementById("fit"), drawing = document.querySelector(".flow");
fit.addEventListener("change", () => drawing.classList.toggle("fitted", fit.checked));
show();
"""


def page(picture: Picture) -> str:
    """The page, in English."""
    # The drawing is text of our own making, in which all that comes from elsewhere is escaped.
    from markupsafe import Markup

    rows = [
        (picture.boxes[arrow.source].label, picture.boxes[arrow.target].label, arrow)
        for arrow in sorted(picture.arrows, key=lambda arrow: (-arrow.count, arrow.source, arrow.target))
    ]
    return str(
        _template().render(
            picture=picture,
            rows=rows,
            drawing=Markup(svg(picture, is_read_box_by_box=True)),  # nosec B704  # noqa: S704 - see above
            script=Markup(_SCRIPT),  # nosec B704  # noqa: S704 - a constant
            script_hash=b64encode(sha256(_SCRIPT.encode()).digest()).decode(),
        )
    )


@cache
def _template() -> Any:  # noqa: ANN401 - the class is imported lazily
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("pipeline.flow").joinpath(_TEMPLATE).read_text(encoding="utf-8"))
