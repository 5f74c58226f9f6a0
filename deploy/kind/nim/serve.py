"""Answers as a NIM whose model is loaded, on the port that NIM_SERVER_PORT names. Standard library alone."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Nim(BaseHTTPRequestHandler):
    """Health and the list of models."""

    def do_GET(self) -> None:
        """Answer any path: probes look at the status code alone."""
        body = json.dumps({"object": "list", "data": [{"id": "stand-in", "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("NIM_SERVER_PORT", "8000"))), Nim).serve_forever()
