"""Writing numbers back to accounting systems that let us set the number, or post the draft that has it."""

from workers.writing_back.pushing import DraftOf, Run, pooled_draft, push_system

__all__ = ["DraftOf", "Run", "pooled_draft", "push_system"]
