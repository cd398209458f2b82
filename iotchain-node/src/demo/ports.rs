//! Ports for the roles.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use crate::NodeError;

/// A TCP port that nobody used a moment ago: the catalogue names ports before anybody serves at them.
pub(super) fn free_tcp_port() -> Result<u16, NodeError> {
    let bound =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(bound
        .map_err(|source| NodeError::io("a free port", source))?
        .port())
}

/// As [`free_tcp_port`], for UDP; all held at once, so that they differ.
pub(super) fn free_udp_ports<const N: usize>() -> Result<[u16; N], NodeError> {
    let fault = |source| NodeError::io("a free port", source);
    let mut sockets = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fault)?;
        *port = socket.local_addr().map_err(fault)?.port();
        sockets.push(socket);
    }
    Ok(ports)
}
