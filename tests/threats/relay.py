"""A relay that can be stopped: what a network is to a gateway until it is gone without a word.

Takes the port to relay to, prints the one it listens on, relays one connection. Stopped by SIGSTOP,
its sockets stay open, the kernel goes on acknowledging, and nothing comes through any more.
"""

import select
import socket
import sys


def main(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        near, _ = server.accept()
    far = socket.create_connection(("127.0.0.1", port))
    other = {near: far, far: near}
    while True:
        for sock in select.select(other, [], [])[0]:
            some = sock.recv(65536)
            if not some:
                return
            other[sock].sendall(some)


if __name__ == "__main__":
    main(int(sys.argv[1]))
