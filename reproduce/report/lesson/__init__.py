"""Rows -> the marked blocks of docs/lesson.md, so that no number in it is typed.

In: the lesson's text and evidence. Out: `LESSON`, its path, and `filled`, the text with
every block drawn anew.
"""

from reproduce.report.lesson.blocks import LESSON, filled

__all__ = ["LESSON", "filled"]
