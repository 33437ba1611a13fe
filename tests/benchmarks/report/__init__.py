"""What the benchmarks found: for the terminal, as JSON, and as docs/benchmarks.md with its chart."""

from tests.benchmarks.report.figures import as_json
from tests.benchmarks.report.page import as_text, documents

__all__ = ["as_json", "as_text", "documents"]
