//! [`Session`] over the system's OpenSSL, with datagrams in memory instead of a socket.

use super::{Association, Session, SessionError, ffi, record};
use openssl::{
    error::ErrorStack,
    ssl::{ErrorCode, Ssl, SslRef, SslStream},
};
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    sync::Arc,
    time::Instant,
};

/// Largest application message in bytes: one record.
const MESSAGE_MAX: usize = 1 << 14;

/// Shortest protected record in a handshake: the Finished message has 24 bytes before its nonce and tag.
const HANDSHAKE_RECORD_MIN: usize = 24;

/// The library's idea of a socket: each read takes one datagram, each write makes one.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    pub(super) incoming: VecDeque<Vec<u8>>,
    pub(super) outgoing: VecDeque<Vec<u8>>,
}

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        datagram.as_slice().read(buffer)
    }
}

impl Write for Datagrams {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.outgoing.push_back(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One end of an association.
pub(crate) struct OpenSslSession {
    stream: SslStream<Datagrams>,
    association: Option<Arc<Association>>,
    messages: VecDeque<Vec<u8>>,
    deadline: Option<Instant>,
}

impl OpenSslSession {
    /// A session that takes its first step: a client sends its ClientHello.
    pub(super) fn begin(ssl: Ssl, now: Instant) -> Result<Self, ErrorStack> {
        let mut session = OpenSslSession::resume(SslStream::new(ssl, Datagrams::default())?);
        // A client that cannot even write its first flight has no peer to blame; the deadline tells.
        let _ = session.step(now);
        Ok(session)
    }

    /// A session whose ClientHello waits inside the library, its cookie verified.
    pub(super) fn resume(stream: SslStream<Datagrams>) -> Self {
        OpenSslSession {
            stream,
            association: None,
            messages: VecDeque::new(),
            deadline: None,
        }
    }

    /// Runs the handshake as far as it goes, then reads what there is to read.
    pub(super) fn step(&mut self, now: Instant) -> Result<(), SessionError> {
        if self.association.is_none() {
            match self.stream.do_handshake() {
                Ok(()) => {
                    self.association = Some(Association::of(self.stream.ssl())?);
                    self.deadline = None;
                }
                Err(e) if e.code() == ErrorCode::WANT_READ => {
                    self.deadline = ffi::timeout(self.stream.ssl()).map(|left| now + left);
                    return Ok(());
                }
                Err(e) => return Err(SessionError::Failed(reason(self.stream.ssl(), &e))),
            }
        }
        let mut buffer = [0; MESSAGE_MAX];
        loop {
            match self.stream.ssl_read(&mut buffer) {
                Ok(length) => self
                    .messages
                    .extend(buffer.get(..length).map(<[u8]>::to_vec)),
                Err(e) if e.code() == ErrorCode::WANT_READ => return Ok(()),
                Err(e) if e.code() == ErrorCode::ZERO_RETURN => return Err(SessionError::Closed),
                Err(e) => return Err(SessionError::Failed(reason(self.stream.ssl(), &e))),
            }
        }
    }

    /// Bytes that nonce and tag take from a protected record, which has at least that many.
    fn shortest_record(&self) -> usize {
        if self.association.is_none() {
            return HANDSHAKE_RECORD_MIN;
        }
        let ccm8 = self
            .stream
            .ssl()
            .current_cipher()
            .is_some_and(|c| c.name().ends_with("CCM8"));
        if ccm8 { 8 + 8 } else { 8 + 16 }
    }
}

impl Session for OpenSslSession {
    fn receive(&mut self, now: Instant, datagram: &[u8]) -> Result<(), SessionError> {
        let kept = record::without_stubs(datagram, self.shortest_record());
        if kept.is_empty() {
            return Ok(());
        }
        self.stream.get_mut().incoming.push_back(kept);
        self.step(now)
    }

    fn send(&mut self, message: &[u8]) -> Result<(), SessionError> {
        if self.association.is_none() {
            return Err(SessionError::Failed("the handshake is not finished".into()));
        }
        match self.stream.ssl_write(message) {
            Ok(_) => Ok(()),
            Err(e) => Err(SessionError::Failed(reason(self.stream.ssl(), &e))),
        }
    }

    fn outgoing(&mut self) -> Option<Vec<u8>> {
        self.stream.get_mut().outgoing.pop_front()
    }

    fn incoming(&mut self) -> Option<Vec<u8>> {
        self.messages.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn tick(&mut self, now: Instant) -> Result<(), SessionError> {
        if self.deadline.is_none_or(|at| at > now) {
            return Ok(());
        }
        if !ffi::handle_timeout(ffi::ssl_mut(&mut self.stream)) {
            drop(ErrorStack::get());
            return Err(SessionError::Failed("the handshake timed out".into()));
        }
        self.step(now)
    }

    fn association(&self) -> Option<&Arc<Association>> {
        self.association.as_ref()
    }

    fn close(&mut self) {
        if self.association.is_some() {
            // The goodbye is best effort: a peer that misses it finds out by silence.
            let _ = self.stream.shutdown();
        }
    }
}

/// The library's reason, with the verdict on the certificate where that was the reason.
fn reason(ssl: &SslRef, error: &openssl::ssl::Error) -> String {
    let verdict = ssl.verify_result();
    if verdict != openssl::x509::X509VerifyResult::OK {
        return format!("certificate refused: {verdict}");
    }
    let text = error
        .ssl_error()
        .and_then(|stack| stack.errors().first())
        .and_then(|e| e.reason());
    text.map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtls::{
        Bounds, ClientConfig, Listener, ServerConfig, ServerName,
        pki::{Authority, Name},
    };

    #[test]
    fn the_exporter_has_an_empty_context_and_flights_use_the_mtu() {
        let authority = Authority::create("test", 2).unwrap();
        let identity = authority
            .issue("server", &[Name::Dns("test".into())], 2)
            .unwrap();
        let (now, peer) = (Instant::now(), ([127, 0, 0, 1], 1).into());
        let config = ServerConfig::new(identity, None);
        let mut listener = Listener::new(&config, Bounds::default(), &[0; 32], now).unwrap();
        let name = ServerName::Dns("test".into());
        let config = ClientConfig::new(&authority.anchor(), name, None).unwrap();
        let mut client = config.open(now).unwrap();
        let mut longest = 0;
        while let Some(datagram) = client.outgoing() {
            listener.receive(now, peer, &datagram);
            for (_, datagram) in listener.outgoing() {
                longest = longest.max(datagram.len());
                client.receive(now, &datagram).unwrap();
            }
        }
        let exported = |context| {
            let mut out = [0; 32];
            let ssl = client.stream.ssl();
            ssl.export_keying_material(&mut out, "EXPORTER-Channel-Binding", context)
                .unwrap();
            out
        };
        let exporter = client.association().unwrap().exporter;
        assert_eq!(exporter, exported(Some(&[])));
        assert_ne!(exporter, exported(None));
        assert!((257..=1200).contains(&longest), "{longest}");
    }
}
