"""Template tags of every page: icons, ages, keys of the current page."""

from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """An icon of static/icons.svg; decoration only, the words beside it say the same."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        css,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def age(at: datetime | None) -> SafeString:
    """Time between `at` and now, kept up to date by ages.js; the title says the date."""
    if at is None:
        return SafeString("")
    return format_html(
        '<time datetime="{}" title="{} UTC" data-age>{}</time>',
        at.isoformat(timespec="seconds"),
        date_format(at, "Y-m-d H:i:s"),
        span(abs((now() - at).total_seconds())),
    )


def span(seconds: float) -> str:
    """Such as `40 s`, `3 min`, `2 h`, `5 d`; the same words as ages.js."""
    if seconds < MINUTE:
        return f"{int(seconds)} s"
    if seconds < HOUR:
        return f"{int(seconds / MINUTE)} min"
    if seconds < 2 * DAY:
        return f"{int(seconds / HOUR)} h"
    return f"{int(seconds / DAY)} d"
