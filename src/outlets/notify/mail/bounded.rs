//! A connection to a mail server from which no more is read than a session has to say.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::model::text;

/// lettre reads a reply line by line, and a line as long as it comes.
const LIMIT_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub struct Bounded {
    stream: TcpStream,
    left: usize,
}

impl From<TcpStream> for Bounded {
    fn from(stream: TcpStream) -> Self {
        let left = LIMIT_BYTES;
        Self { stream, left }
    }
}

impl AsyncTokioStream for Bounded {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        let left = self.left.checked_sub(into.filled().len() - before);
        let Some(left) = left else {
            let problem = text(
                "伺服器的回應超過 1 MiB",
                "the server's answer exceeds 1 MiB",
            );
            return Poll::Ready(Err(io::Error::other(problem)));
        };
        self.left = left;
        read
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
