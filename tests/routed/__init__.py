"""A host project's own tests, with two databases: ``manage.py test`` runs them."""
