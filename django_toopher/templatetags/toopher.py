"""``{% load toopher %}``: the second factor in templates, without the context processor."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from .. import is_verified as _is_verified
from ..session.status import SecondFactor

register = template.Library()


@register.filter
def is_verified(request: HttpRequest) -> bool:
    """``{% if request|is_verified %}``: whether this session's user has passed a second factor in it."""
    return isinstance(request, HttpRequest) and _is_verified(request)


@register.simple_tag(takes_context=True)
def second_factor(context: dict[str, Any]) -> SecondFactor:
    """``{% second_factor as second_factor %}``: what the context processor of that name gives."""
    return SecondFactor(context["request"])
