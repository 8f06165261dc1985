"""Bytes from outside become checked evidence: formats, EXIF, clocks, position, reuse, editing, intake."""
