//! Official AMQP clients over TLS, in a process of their own with the app's identity, since a client's TLS trusts what the
//! environment of its process says.
//!
//! Writers send batches one after the other, and readers follow every partition ([`child`]). What they were told, and what
//! they saw where, they write down line by line; whoever killed the stack then looks for it in the log ([`told`]).

mod child;
mod told;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use contoso_cli::{endpoints, identity};
use contoso_local::stack::Endpoints;
use tempfile::TempDir;

use crate::support::{Shop, eventually};
pub(super) use told::Told;

const CHILD: &str = "crash::clients::child::clients_in_a_child";
const NOTES: &str = "CONTOSO_CRASH_NOTES";
const ROUND: &str = "CONTOSO_CRASH_ROUND";
const ENDPOINT: &str = "CONTOSO_CRASH_ENDPOINT";
const PARTITIONS: usize = 4;

/// The running clients.
pub(super) struct Clients {
    child: Child,
    notes: TempDir,
    round: usize,
}

impl Clients {
    pub(super) fn start(shop: &Shop, round: usize) -> Self {
        let endpoints: Endpoints = serde_json::from_value(shop.endpoints.clone()).expect("endpoints");
        let address = endpoints::event_hubs_address(&endpoints).expect("an address");
        let port = address.rsplit_once(':').expect("a port").1;
        let app = &endpoints.identities[identity::APP];
        let notes = TempDir::new().expect("a temporary folder");
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", CHILD, "--nocapture"])
            .env("IDENTITY_ENDPOINT", &app.endpoint)
            .env("IDENTITY_HEADER", &app.header)
            .env("SSL_CERT_FILE", &endpoints.ca_certificate)
            .env(ENDPOINT, format!("amqps://localhost:{port}"))
            .env(ROUND, round.to_string())
            .env(NOTES, file_in(notes.path()))
            .stdout(Stdio::null())
            .spawn()
            .expect("the child starts");
        Self { child, notes, round }
    }

    /// Waits until so many batches were acknowledged and so many events read.
    pub(super) async fn come_to(&self, batches: usize, events: usize) {
        eventually("notes of the clients", || async {
            let lines = lines_in(self.notes.path());
            let counts = Told::new(lines.clone(), self.round).counts();
            if counts.0 >= batches && counts.1 >= events {
                Ok(())
            } else {
                Err(format!("{counts:?}, {:?}", lines.last()))
            }
        })
        .await;
    }

    pub(super) fn kill(mut self) -> Told {
        self.child.kill().expect("it runs or has ended");
        self.child.wait().expect("it ends");
        Told::new(lines_in(self.notes.path()), self.round)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // Already gone is as good.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn file_in(notes: &Path) -> PathBuf {
    notes.join("notes")
}

/// The lines that are whole.
fn lines_in(notes: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file_in(notes)).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}
