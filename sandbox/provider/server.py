"""The provider's process: a gRPC server on a unix socket that speaks go-plugin's handshake.

PyPI `tf` brings the protobufs; its own runner keeps a certificate in the home directory and starts its own servicer,
so the process is run here: certificate in memory, gone with terraform, gone when terraform is killed.
"""

from __future__ import annotations

import base64
import datetime
import os
import sys
import tempfile
import threading
from concurrent import futures
from typing import Any

import grpc
from tf.gen import grpc_controller_pb2 as controller
from tf.gen import grpc_controller_pb2_grpc as controller_rpc
from tf.gen import grpc_stdio_pb2_grpc as stdio_rpc
from tf.gen import tfplugin_pb2_grpc as rpc

from sandbox.provider.servicer import Servicer

_THREADS = 16
_POLL_SECONDS = 0.2
# a deployed wheel's declaration or a large job may be longer than gRPC's own limit of 4 MiB
_OPTIONS = [("grpc.max_receive_message_length", 256 << 20), ("grpc.max_send_message_length", 256 << 20)]


class _Controller(controller_rpc.GRPCControllerServicer):
    def __init__(self, done: threading.Event) -> None:
        self._done = done

    # Here and below: names and arguments of the calls are gRPC's.
    def Shutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._done.set()
        return controller.Empty()


class _Stdio(stdio_rpc.GRPCStdioServicer):
    def StreamStdio(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return iter(())


def serve(servicer: Servicer) -> None:
    """Serve until terraform asks to stop or is gone."""
    done = threading.Event()
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=_OPTIONS)
    rpc.add_ProviderServicer_to_server(servicer, server)
    controller_rpc.add_GRPCControllerServicer_to_server(_Controller(done), server)
    stdio_rpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    certificate, key = _certificate()
    parent = os.getppid()
    with tempfile.TemporaryDirectory(prefix="mlops-provider-") as folder:
        socket = f"{folder}/plugin.sock"
        server.add_secure_port(f"unix://{socket}", grpc.ssl_server_credentials([(key[0], key[1])]))
        server.start()
        line = ["1", "6", "unix", socket, "grpc", base64.b64encode(certificate).decode().rstrip("=")]
        sys.stdout.write("|".join(line) + "\n")
        sys.stdout.flush()
        while not done.wait(_POLL_SECONDS) and os.getppid() == parent:
            pass
        server.stop(grace=0.1).wait()
        servicer.close()


def _certificate() -> tuple[bytes, tuple[bytes, bytes]]:
    """A certificate for this process only: (DER, (key PEM, certificate PEM))."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(minutes=1))
        .not_valid_after(today + datetime.timedelta(days=7))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    return der, (private, certificate.public_bytes(serialization.Encoding.PEM))
