"""Repairs a damaged PDF once, in memory: qpdf rebuilds its cross-reference table from the objects it finds."""

from __future__ import annotations

import io


def repaired_pdf(content: bytes) -> bytes | None:
    """The document written anew by qpdf, or None when that cannot read it either."""
    # Loaded only here: most documents never need it.
    import pikepdf

    file = io.BytesIO()
    try:
        with pikepdf.open(io.BytesIO(content), suppress_warnings=True) as document:
            if len(document.pages) == 0:
                return None
            document.save(file, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    except MemoryError:
        raise
    except Exception:
        # Any failure of a library on a hostile file means the same: it stays damaged.
        return None
    return file.getvalue()
