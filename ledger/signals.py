"""The signal by which one process asks others for a seal: it has no key, or has just closed a period."""

from django.dispatch import Signal

#: Sent with ``using``, the database alias. The app ``workers`` answers it by sending the task ``seal``; without it, the
#: sweep comes within the hour.
seal_wanted = Signal()


def ask_for_seal(using: str) -> None:
    """Ask a process that can seal to do so soon; nobody waits for it, and nothing fails because of it."""
    seal_wanted.send_robust(None, using=using)
