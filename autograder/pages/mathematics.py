"""TeX as MathML, which browsers draw and screen readers speak by themselves: no script, no font, no network.

What is converted may be a student's: it is bounded, only elements and attributes that are known here come out, and
what cannot be converted stays as it was typed.
"""

from __future__ import annotations

import html
import re
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element

MOST = 1_000  # characters of a formula
ELEMENTS = set("math mrow mi mn mo mtext mspace msub msup msubsup mfrac msqrt mroot mover munder munderover".split())  # noqa: SIM905
ELEMENTS |= {"mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "mmultiscripts", "mprescripts", "none"}
ATTRIBUTES = set("stretchy fence form separator accent mathvariant linethickness columnalign width".split())  # noqa: SIM905
NAMED = re.compile(r"\\operatorname\*?\{(\w+)\}")


def mathml(tex: str, display: bool) -> str:
    """A formula as a `math` element; TeX that cannot be converted as `code`."""
    try:
        if len(tex) > MOST:
            raise ValueError(f"a formula of {len(tex)} characters")
        made = convert_to_element(NAMED.sub(r"\\mathrm{\1}", tex), display="block" if display else "inline")
        clean = _clean(made)
        clean.set("display", "block" if display else "inline")
        return tostring(clean, encoding="unicode")
    except Exception:  # of a formula that is none; RecursionError too
        return f"<code>{html.escape(tex, quote=False)}</code>"


def _clean(element: Element) -> Element:
    """A copy that holds what is known and nothing else; character references become characters."""
    tag = element.tag.rpartition("}")[2]
    if tag not in ELEMENTS:
        raise ValueError(f"an element {tag!r}")
    new = Element(tag, {name: value for name, value in element.attrib.items() if name in ATTRIBUTES})
    text = html.unescape(element.text or "")
    new.text = text[1:] if text in ("\\{", "\\}", "\\|") else text  # after \big the library leaves the backslash
    new.extend([_clean(child) for child in element])
    return new
