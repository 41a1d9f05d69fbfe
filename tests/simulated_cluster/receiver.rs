//! Whoever is told of a run over HTTP: the webhook of a chat, or the monitor of a cron job.

use std::sync::Arc;

use super::bell::Bell;
use super::end;
use super::fault::{Conduct, Fault};
use super::http::Server;
use super::message::{Answer, SeenRequest};

/// A running receiver, which takes every POST. Dropping it ends it, as with the cluster.
pub struct SimulatedReceiver {
    server: Server,
    bell: Arc<Bell>,
}

impl SimulatedReceiver {
    /// Starts one that answers `OK`.
    pub fn start() -> Self {
        Self::conducting(Conduct::default())
    }

    /// Starts one with which something goes wrong.
    pub fn with(fault: Fault) -> Self {
        Self::conducting(Conduct {
            fault: Some(fault),
            ..Conduct::default()
        })
    }

    fn conducting(conduct: Conduct) -> Self {
        let bell = Arc::new(Bell::default());
        let ok = |_: &_| Answer::text(200, "OK");
        let server = Server::start("receiver", "POST", conduct, &bell, ok);
        Self { server, bell }
    }

    /// Its address, `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it was told, in the order of arrival.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.server.requests()
    }
}

impl Drop for SimulatedReceiver {
    fn drop(&mut self) {
        end(&self.bell, vec![&mut self.server]);
    }
}
