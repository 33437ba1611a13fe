"""Writing numbers back to accounting systems that let us set the number, or post the draft that has it."""

from workers.writing_back.pushing import Run, push_system

__all__ = ["Run", "push_system"]
