"""The server's side of an enrollment: its page, and its port."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc

from proto.mesh.v1 import enrollment_pb2 as pb
from proto.mesh.v1 import enrollment_pb2_grpc as rpc
from tests.runner_agent.link.authority import Authority


class Office(rpc.EnrollmentServicer):
    def __init__(self, authority: Authority) -> None:
        self.authority, self.shown = authority, authority.ca_pem
        self.asked: list[pb.EnrollRequest] = []
        self.expired: list[pb.RenewExpiredRequest] = []
        self.gateways = ["127.0.0.1:1"]
        self.refusal = ""
        self.url = self.address = ""

    def Enroll(self, request, context):  # noqa: N802
        self.asked.append(request)
        return self._certify(request, context, request.name)

    def RenewExpired(self, request, context):  # noqa: N802
        self.expired.append(request)
        return self._certify(request, context)

    def _certify(self, request, context, name=""):
        if self.refusal:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, self.refusal)
        return pb.EnrollReply(
            runner_id=7,
            name=name,
            certificate_pem=self.authority.sign(request.csr_pem),
            ca_pem=self.authority.ca_pem,
            gateways=self.gateways,
        )

    def page(self) -> bytes:
        return json.dumps({"ca_pem": self.shown.decode(), "enroll": self.address}).encode()


@contextlib.contextmanager
def opened(authority: Authority) -> Iterator[Office]:
    made = Office(authority)
    server = grpc.server(ThreadPoolExecutor(2))
    rpc.add_EnrollmentServicer_to_server(made, server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([authority.server()]))
    made.address = f"127.0.0.1:{port}"
    server.start()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/.well-known/mesh"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(made.page() if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as web:
        made.url = f"http://127.0.0.1:{web.server_port}"
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield made
        web.shutdown()
        thread.join()
    server.stop(None).wait()
