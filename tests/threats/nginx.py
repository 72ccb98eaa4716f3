"""nginx in front of a gate, as most people have it; it tells what it passed on."""

import pathlib
import socket
import subprocess

from gate import until

CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 512; }}
http {{
    log_format seen "$upstream_status $status $request_length";
    access_log {folder}/seen seen;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_header_timeout 1s;
    client_body_timeout 1s;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{gate};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
            proxy_set_header Host $http_host;
            proxy_read_timeout 2s;
        }}
    }}
}}
"""


class Nginx:
    def __init__(self, folder: pathlib.Path, gate_port: int):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        path = folder / "nginx.conf"
        path.write_text(CONFIG.format(folder=folder, port=self.port, gate=gate_port))
        self.process = subprocess.Popen(["nginx", "-c", path, "-e", folder / "errors"])
        until(self.listens)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def seen(self) -> list[str]:
        return (self.folder / "seen").read_text().splitlines()

    def passed_on(self) -> int:
        """Requests that the gate was sent; a dash stands for one that nginx answered itself."""
        return sum(not it.startswith("-") for it in self.seen())

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
