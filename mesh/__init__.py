"""The Django project: settings, urls, asgi, celery; the commands `up` and `doctor`."""

from mesh.celery import app as celery_app

__all__ = ["celery_app"]
