//! Where the stack of `up` listens.

use std::io::ErrorKind;

use anyhow::anyhow;
use contoso_local::{
    stack::{PortError, Ports},
    topology::Topology,
};

use super::PortChoice;
use crate::{data_dir::DataDir, output};

/// The ports to take: each is free now, or any free one will do. That of the functions stays as it is where their host is not ours.
///
/// # Errors
/// When a port that is wanted by its number is not free; the message says for what it is wanted, and what to do.
pub(super) fn choose(
    choice: PortChoice,
    services_only: bool,
    topology: &Topology,
    data_dir: &DataDir,
) -> anyhow::Result<Ports> {
    match choice {
        PortChoice::Default => {
            let ports = Ports::defaults();
            let checked = if services_only { ports.check_services(topology) } else { ports.check(topology) };
            checked.map_err(refused)?;
            Ok(ports)
        }
        PortChoice::Auto => {
            let last = data_dir.ports().unwrap_or_else(Ports::auto);
            let (ports, taken) = if services_only { last.services_or_any(topology) } else { last.or_any(topology) };
            for PortError { service, port, .. } in taken {
                output::say(&format!("port {port}, where {service} listened last, is in use; it moves to another"));
            }
            Ok(ports)
        }
    }
}

/// The same in the words of the command line.
pub(super) fn refused(error: PortError) -> anyhow::Error {
    match error {
        PortError { service, port, source } if source.kind() == ErrorKind::AddrInUse => {
            anyhow!("port {port}, for {service}, is in use; stop what uses it, or say --ports auto")
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_data_directory_keeps_its_ports_as_far_as_they_are_free() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = DataDir::open(directory.path(), false).expect("free");
        let choose = |services_only| {
            choose(PortChoice::Auto, services_only, &Topology::default(), &data_dir).expect("any will do")
        };
        assert_eq!(choose(false), Ports::auto());
        let [kept, taken] = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let ports = Ports { functions: port(&kept), site: port(&taken), ..Ports::auto() };
        data_dir.set_ports(ports).expect("written");
        // What listens there is the host beside the stack.
        assert_eq!(choose(true), Ports { site: 0, ..ports });
        drop(kept);
        assert_eq!(choose(false), Ports { site: 0, ..ports });
    }

    #[test]
    fn who_wants_a_port_in_use_is_told_what_to_do() {
        let error = PortError { service: "Functions", port: 7071, source: ErrorKind::AddrInUse.into() };
        let said = refused(error).to_string();
        assert_eq!(said, "port 7071, for Functions, is in use; stop what uses it, or say --ports auto");
    }
}
