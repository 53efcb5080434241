"""The outputs of a student's cells made harmless: bounded in size, text and pictures alone, no HTML, no script."""

from __future__ import annotations

import base64
import binascii
from typing import Any

LIMIT = 200_000  # characters of one cell's outputs, pictures aside
PICTURES = 8 << 20  # characters of one cell's pictures, as base64
KINDS = ("text/plain", "image/png", "image/jpeg")
BEGINS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}
TOO_MUCH = "\n[further output was left out]\n"


class Tamer:
    """Bounds the outputs of one cell: message after message, what is left of them."""

    def __init__(self) -> None:
        self.text, self.pictures, self.said = LIMIT, PICTURES, False

    def tame(self, content: dict[str, Any], kind: str) -> dict[str, Any] | None:
        """The content of a message as it may stand in a notebook, or None for nothing."""
        if kind == "stream":
            name = "stderr" if content.get("name") == "stderr" else "stdout"
            text = self._cut(content.get("text"))
            return {"name": name, "text": text} if text else None
        if kind == "error":
            lines = content.get("traceback")
            trace = "\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else ""
            name, value = (self._cut(str(content.get(key))[:500]) for key in ("ename", "evalue"))
            return {"ename": name, "evalue": value, "traceback": self._cut(trace).split("\n")}
        bundle = content.get("data")
        data = {key: bundle[key] for key in KINDS if isinstance(bundle, dict) and isinstance(bundle.get(key), str)}
        for key in data:
            if key == "text/plain":
                data[key] = self._cut(data[key])
            else:
                self.pictures -= len(data[key])
        fits = self.pictures >= 0
        data = {key: text for key, text in data.items() if key == "text/plain" or (fits and is_picture(key, text))}
        if not any(data.values()):
            return None
        count = content.get("execution_count")
        more = {"execution_count": count if type(count) is int else None} if kind == "execute_result" else {}
        return {"data": data, "metadata": {}, "transient": {}} | more

    def _cut(self, text: object) -> str:
        if not isinstance(text, str):
            return ""
        kept = text[: max(self.text, 0)]
        self.text -= len(text)
        if self.text < 0 and not self.said:
            self.said, kept = True, kept + TOO_MUCH
        return kept


def is_picture(kind: str, data: object) -> bool:
    """Whether data is base64, no more than a cell may have, of what begins as a picture of that kind does."""
    if kind not in BEGINS or not isinstance(data, str) or len(data) > PICTURES:
        return False
    try:
        return base64.b64decode("".join(data.split()), validate=True).startswith(BEGINS[kind])
    except (binascii.Error, ValueError):
        return False
