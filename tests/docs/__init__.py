"""The examples of README.md and docs/ as tests: nothing stands in a page that wasn't run.

- ``test_tutorial.py`` follows docs/tutorial.md from an empty folder to the last page, as a newcomer (``newcomer``).
- ``test_examples.py`` runs every block of all other pages (``running``), in a setting that the page takes for granted
  (``scenes``). A new page, or a new block, needs nothing here; if it wants an order or a gap, give it a scene.
- ``exceptions.py`` is the one table of what is not run, with the reasons.
"""
