"""AWX's objects of extensions/awx, as Ansible renders them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml

from .plays import ROOT

AWX = ROOT / "extensions/awx"


class _Loader(yaml.SafeLoader):
    """Knows the tag !unsafe, which keeps a text from being a template."""


class Unsafe(str):
    pass


_Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))


def load(path: Path) -> Any:
    # A subclass of SafeLoader.
    return yaml.load(path.read_text(), _Loader)


SETTINGS = load(AWX / "vars/settings.yml")


def rendered(value: Any, settings: Mapping[str, Any]) -> Any:
    """As Ansible renders it: templates that are a variable alone keep the variable's type."""
    if isinstance(value, Unsafe):
        return str(value)
    if isinstance(value, str):
        alone = re.fullmatch(r"{{ (\w+) }}", value)
        if alone:
            return rendered(settings[alone[1]], settings)
        text = (
            jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(value).render(settings)
        )
        return rendered(text, settings) if "{{" in text else text
    if isinstance(value, Mapping):
        return {key: rendered(item, settings) for key, item in value.items()}
    return [rendered(item, settings) for item in value] if isinstance(value, list) else value


def controller(settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The objects by their variables, with settings that differ from those of the file."""
    data: dict[str, Any] = rendered(load(AWX / "vars/controller.yml"), {**SETTINGS, **(settings or {})})
    return data


def playbook_of(template: Mapping[str, Any]) -> str:
    return Path(template["playbook"]).stem
