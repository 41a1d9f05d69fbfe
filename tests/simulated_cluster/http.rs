//! The tiny HTTP/1.1 server behind every node and the API: one method only, a thread for each connection.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::bell::{Bell, locked};
use super::fault::{Conduct, Fault};
use super::message::{Answer, Request, SeenRequest};

/// Agents of 1.37 take no longer request.
const REQUEST_LIMIT: usize = 16 * 1024;
/// Small, since a benchmark has thousands of these threads.
const STACK: usize = 128 * 1024;
/// How long a thread that must be woken for its end is waited for.
const WAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// A server on a port of its own.
pub(super) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
    /// Holds the port of a server that nobody gets through to.
    _held: Option<Held>,
}

type Held = (TcpStream, OwnedFd);

struct State {
    name: String,
    method: &'static str,
    conduct: Conduct,
    bell: Arc<Bell>,
    handler: Box<dyn Fn(&Request) -> Answer + Send + Sync>,
    requests: Mutex<Vec<SeenRequest>>,
    connections: AtomicUsize,
    open: Mutex<Vec<Weak<TcpStream>>>,
}

impl Server {
    /// Starts a server that takes requests of this method.
    pub fn start(
        name: &str,
        method: &'static str,
        conduct: Conduct,
        bell: &Arc<Bell>,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let state = Arc::new(State {
            name: name.to_owned(),
            method,
            bell: Arc::clone(bell),
            handler: Box::new(handler),
            requests: Mutex::default(),
            connections: AtomicUsize::default(),
            open: Mutex::default(),
            conduct,
        });
        if let Some((held, address)) = closed_to_all(state.conduct.fault.as_ref(), &listener) {
            return Self {
                address,
                state,
                listening: None,
                _held: Some(held),
            };
        }
        let accepting = Arc::clone(&state);
        let thread = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || accepting.accept(&listener));
        Self {
            address,
            state,
            listening: Some(thread.expect("a thread for a listener")),
            _held: None,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<SeenRequest> {
        locked(&self.state.requests).clone()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Wakes every thread of the server, once the bell has rung.
    pub fn disconnect(&self) {
        for stream in locked(&self.state.open).iter().filter_map(Weak::upgrade) {
            // It fails for a connection that the client has already closed, which is as good.
            drop(stream.shutdown(Shutdown::Both));
        }
        if self.listening.is_some() {
            drop(TcpStream::connect_timeout(&self.address, WAKE_TIMEOUT));
        }
    }

    /// Waits for the end of the server's threads; the error is the name of a server of which one panicked.
    pub fn join(&mut self) -> Result<(), String> {
        let ended = self.listening.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| self.state.name.clone())
    }
}

/// For a fault that lets no connection come about: what must be held for that, and the address.
fn closed_to_all(fault: Option<&Fault>, listener: &TcpListener) -> Option<(Held, SocketAddr)> {
    let address = listener.local_addr().expect("it is bound");
    let connect = || TcpStream::connect(address).expect("a connection to our own listener");
    match fault {
        Some(Fault::Refuse) => {
            // The near end of a connection has a port that nobody listens on, and that nobody else is given meanwhile.
            let near = connect();
            let (far, address) = listener.accept().expect("the connection just made");
            Some(((near, far.into()), address))
        }
        Some(Fault::Unreachable) => {
            // Where the queue for a listener is full, the kernel drops what comes in, and says nothing.
            rustix::net::listen(listener, 0).expect("a queue for one");
            let listening = listener.try_clone().expect("a descriptor");
            Some(((connect(), listening.into()), address))
        }
        _ => None,
    }
}

impl State {
    fn accept(&self, listener: &TcpListener) {
        // The scope joins the threads of all connections, and panics if one of them did.
        thread::scope(|scope| {
            loop {
                let (stream, _) = listener
                    .accept()
                    .expect("a connection, unless the files of this process have run out");
                let stream = Arc::new(stream);
                let mut open = locked(&self.open);
                open.retain(|connection| connection.strong_count() > 0);
                open.push(Arc::downgrade(&stream));
                drop(open);
                if self.bell.has_rung() {
                    return;
                }
                self.connections.fetch_add(1, Ordering::Relaxed);
                // An error here is the client's leaving, which is its right.
                let serve = move || drop(self.serve(&stream));
                let thread = thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, serve);
                thread.expect("a thread for a connection");
            }
        });
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = vec![0; REQUEST_LIMIT];
        while let Some(request) = self.receive(stream, &mut buffer)? {
            let number = {
                let mut requests = locked(&self.requests);
                requests.push(request.seen());
                requests.len()
            };
            let mut answer = if request.method == self.method {
                (self.handler)(&request)
            } else {
                Answer::text(400, "HTTP method requested is not supported...")
            };
            answer.more_headers.push_str(&self.conduct.headers());
            let keep_alive = request.keep_alive();
            let stays_open = self
                .conduct
                .send(stream, &request, number, &answer, keep_alive, &self.bell)?;
            if !stays_open {
                break;
            }
        }
        Ok(())
    }

    /// The next request; `None` when the client has closed the connection. What follows the request in the same packet is
    /// dropped, as by Netdata, which answers only the first of several pipelined requests.
    fn receive(&self, mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<Request>> {
        let mut length = 0;
        loop {
            if self.conduct.leaves_input_unread() {
                length = stream.peek(buffer)?;
            } else {
                let read = stream.read(&mut buffer[length..])?;
                if read == 0 {
                    return Ok(None);
                }
                length += read;
            }
            if let Some(end) = buffer[..length]
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n")
            {
                let mut request = Request::parse(&String::from_utf8_lossy(&buffer[..end]));
                if let Some(request) = &mut request
                    && !self.conduct.leaves_input_unread()
                {
                    request.body = receive_body(stream, request, &buffer[end + 4..length])?;
                }
                return Ok(request);
            }
            if self.conduct.leaves_input_unread() {
                if length == 0 || self.bell.has_rung() {
                    return Ok(None);
                }
                // Peeking does not block for what is still to come.
                self.bell.sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The body that the request announces, of which `beginning` came together with the head.
fn receive_body(mut stream: &TcpStream, request: &Request, beginning: &[u8]) -> io::Result<String> {
    let announced = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; announced];
    let there = beginning.len().min(announced);
    body[..there].copy_from_slice(&beginning[..there]);
    stream.read_exact(&mut body[there..])?;
    String::from_utf8(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
