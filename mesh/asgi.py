"""What Daphne serves: pages, admin, REST and tools by HTTP, Terminals and news by websocket."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mesh.settings")
http = get_asgi_application()  # sets Django up, before anything else of ours is imported

from channels.routing import ProtocolTypeRouter  # noqa: E402

from mesh.mcp_door import with_tools  # noqa: E402
from pods.routing import application as websockets  # noqa: E402

application = ProtocolTypeRouter({"http": with_tools(http), "websocket": websockets})
