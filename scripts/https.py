"""A CA with a server certificate that it has signed, and a server that shows one: for the checks of what speaks TLS."""
import contextlib, http.server, ssl, subprocess, threading

def certificates(folder, name, host="localhost"):
    """A CA (`NAME-ca.pem`), and a certificate for `host` that it has signed (`NAME.pem`, `NAME.key`), all in `folder`."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.pem", "-days", "2",
            "-subj", f"/CN=daily-gpu-log check {name}", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
    (folder / "extensions").write_text(f"subjectAltName=DNS:{host}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{name}-ca.pem", "-CAkey", f"{name}-ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out", f"{name}.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return folder / f"{name}-ca.pem", context

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

@contextlib.contextmanager
def serving(handler, context):
    """A server on loopback, as its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None       # a client that does not trust us goes away
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
