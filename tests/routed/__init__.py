"""Tests that a host project with two databases has of its own: ``manage.py test`` runs them."""
