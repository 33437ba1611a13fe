"""Random histories by Hypothesis, on real connections."""

import os

from hypothesis import HealthCheck, Phase, settings


def profile(*, examples: int, steps: int) -> settings:
    """The same histories in each run. ``SHRINK=1`` looks for the shortest one that fails, which may take minutes."""
    phases = list(Phase) if os.environ.get("SHRINK") else [Phase.explicit, Phase.generate]
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
