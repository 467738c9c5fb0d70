"""The server's settings in a home of their own. `TEST_DATABASE_URL` chooses the database; else SQLite."""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="mesh-test-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("MESH_") or name == "REDIS_URL"]:
    del os.environ[_name]  # what the developer has set must not change a test
os.environ["MESH_HOME"] = _home
os.environ["DATABASE_URL"] = (
    os.environ.get("TEST_DATABASE_URL") or f"sqlite:///{_home}/mesh.sqlite3"
)

from mesh.settings import *  # noqa: E402, F403
from mesh.settings import DATABASES, MIDDLEWARE  # noqa: E402

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed; nothing is kept
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CELERY_BROKER_URL = "memory://"
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # a thread that ends leaves no open connection
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: threads and processes of one test share it. Nothing survives the test, so nothing is synced.
    DATABASES["default"]["TEST"] = {"NAME": f"{_home}/test.sqlite3"}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
elif os.environ.get("TEST_DATABASE_IS_OURS"):
    DATABASES["default"]["ENGINE"] = "tests.emptied"
    # PostgreSQL starts a process for each connection: they are lent to one test, and thread, after the other.
    DATABASES["default"]["OPTIONS"] |= {"pool": {"min_size": 1, "max_size": 40}}
