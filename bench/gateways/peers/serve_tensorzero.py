"""Serves the TensorZero gateway of the Python package: the server that is otherwise a container.

    python serve_tensorzero.py CONFIG     prints the URL it listens at; ends when standard input closes
"""

import sys

from tensorzero import _start_http_gateway

gateway = _start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
print(gateway.base_url, flush=True)
sys.stdin.read()
