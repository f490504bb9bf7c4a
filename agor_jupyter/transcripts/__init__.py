"""Transcripts: one notebook a session, drawn from the event log.

`render`, `blocks`, `patch`, `read`, `naming` and `markdown` are pure; `sink` and `live` put operations
into a file or an open room; `writer` is the job that follows the log. Nothing here appends an event.

This module imports nothing: a kernel reads `transcripts.markdown` beside the standard library only.
"""
