"""A plan or a report as one HTML file that loads nothing: for change control, for print, for a telephone."""

from functools import cache

from jinja2 import Environment, StrictUndefined, Template

from syncd.model.plan import Plan
from syncd.model.report import Report
from syncd.planning.rendering.page import PAGE
from syncd.planning.rendering.plan_view import view_plan
from syncd.planning.rendering.report_view import view_report


def render_html(what: Plan | Report, *, mode: str = "") -> str:
    """Return *what* as a page, whole; *mode* is named in a plan where it is known."""
    view = view_plan(what, mode=mode) if isinstance(what, Plan) else view_report(what)
    return _page().render(view=view) + "\n"


@cache
def _page() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(PAGE)
