//! The client's way to one server: a UDP socket, with or without DTLS.

use super::Settings;
use crate::{
    dtls::{self, Association, Session},
    runtime::{Gate, NetError},
};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

/// The largest UDP datagram in bytes.
const DATAGRAM_MAX: usize = 65_535;

pub(super) struct Channel {
    socket: UdpSocket,
    peer: SocketAddr,
    session: Option<Box<dyn Session>>,
    inward: Option<Gate>,
    outward: Option<Gate>,
    buffer: Vec<u8>,
}

impl Channel {
    /// A plain channel.
    pub(super) fn udp(peer: SocketAddr, settings: &Settings) -> Result<Self, NetError> {
        let local: SocketAddr = if peer.is_ipv4() {
            ([0; 4], 0).into()
        } else {
            ([0u16; 8], 0).into()
        };
        let open = || {
            let socket = UdpSocket::bind(local)?;
            socket.connect(peer)?;
            Ok(socket)
        };
        let socket = open().map_err(|source| NetError::Address {
            addr: peer.to_string(),
            source,
        })?;
        let [inward, outward] = Gate::pair(settings.loss);
        Ok(Channel {
            socket,
            peer,
            session: None,
            inward,
            outward,
            buffer: vec![0; DATAGRAM_MAX],
        })
    }

    /// A channel with a finished handshake.
    pub(super) fn dtls(
        peer: SocketAddr,
        config: &dtls::ClientConfig,
        settings: &Settings,
    ) -> Result<Self, NetError> {
        let mut channel = Channel::udp(peer, settings)?;
        let until = Instant::now() + settings.handshake_timeout;
        channel.session = Some(config.connect(Instant::now())?);
        channel.flush();
        while channel.association().is_none() {
            if Instant::now() >= until {
                let reason = format!("no answer within {:?}", settings.handshake_timeout);
                return Err(NetError::Handshake {
                    peer: channel.name(),
                    reason,
                });
            }
            channel.step(until)?;
        }
        Ok(channel)
    }

    /// What the handshake established.
    pub(super) fn association(&self) -> Option<&Arc<Association>> {
        self.session.as_ref()?.association()
    }

    /// The server, for messages to people.
    pub(super) fn name(&self) -> String {
        self.peer.to_string()
    }

    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), NetError> {
        match &mut self.session {
            Some(session) => {
                session.send(message).map_err(|_| NetError::Closed {
                    peer: self.peer.to_string(),
                })?;
                self.flush();
            }
            None => self.transmit(message),
        }
        Ok(())
    }

    /// The next message; `None` at `until`.
    pub(super) fn receive(&mut self, until: Instant) -> Result<Option<Vec<u8>>, NetError> {
        loop {
            if let Some(message) = self.session.as_mut().and_then(|s| s.incoming()) {
                return Ok(Some(message));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            if let Some(message) = self.step(until)? {
                return Ok(Some(message));
            }
        }
    }

    /// Waits for one datagram or timer. Returns a message that came without DTLS; one that came with it waits inside.
    fn step(&mut self, until: Instant) -> Result<Option<Vec<u8>>, NetError> {
        let until = self
            .session
            .as_ref()
            .and_then(|s| s.deadline())
            .map_or(until, |d| d.min(until));
        let datagram = self.wait(until);
        let Some(session) = &mut self.session else {
            return Ok(datagram);
        };
        let established = session.association().is_some();
        let now = Instant::now();
        let outcome = match &datagram {
            Some(datagram) => session.receive(now, datagram),
            None => session.tick(now),
        };
        self.flush();
        let peer = self.name();
        match outcome {
            Ok(()) => Ok(None),
            Err(_) if established => Err(NetError::Closed { peer }),
            Err(e) => Err(NetError::Handshake {
                peer,
                reason: e.to_string(),
            }),
        }
    }

    fn wait(&mut self, until: Instant) -> Option<Vec<u8>> {
        // Zero would mean "for ever".
        let wait = until
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(wait)).ok()?;
        match self.socket.recv(&mut self.buffer) {
            Ok(_) if self.inward.as_mut().is_some_and(Gate::drops) => None,
            Ok(length) => self.buffer.get(..length).map(<[u8]>::to_vec),
            // "Connection refused": nobody is there at this moment. Like a loss, it is for the timers to judge.
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                std::thread::sleep(wait.min(Duration::from_millis(10)));
                None
            }
            Err(_) => None,
        }
    }

    fn flush(&mut self) {
        while let Some(datagram) = self.session.as_mut().and_then(|s| s.outgoing()) {
            self.transmit(&datagram);
        }
    }

    fn transmit(&mut self, datagram: &[u8]) {
        if !self.outward.as_mut().is_some_and(Gate::drops) {
            // What the system refuses is lost like any datagram.
            let _ = self.socket.send(datagram);
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(session) = &mut self.session {
            session.close();
            self.flush();
        }
    }
}
