"""What Daphne serves: pages, admin, REST and tools by HTTP, Terminals and news by websocket."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mesh.settings")
django.setup(set_prefix=False)  # before anything else of ours is imported

from channels.routing import ProtocolTypeRouter  # noqa: E402

from mesh.handler import Handler  # noqa: E402
from mesh.mcp_door import with_tools  # noqa: E402
from pods.routing import application as websockets  # noqa: E402

application = ProtocolTypeRouter({"http": with_tools(Handler()), "websocket": websockets})
