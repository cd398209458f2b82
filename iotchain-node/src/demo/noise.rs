//! What reaches an open port: bytes that mean nothing, halves of messages, handshakes that nobody finishes.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use crate::NodeError;
use crate::coap::{Code, Message, Token, Type};
use crate::runtime::random;

/// Datagrams per port and kind.
const ROUNDS: u16 = 300;
/// How long junk may take to be sent over TCP.
const TCP_LIMIT: Duration = Duration::from_secs(1);
/// Record header of a DTLS 1.2 handshake with a ClientHello that breaks off; lengths promise more than comes.
const HALF_HELLO: [u8; 25] = [
    22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 80,
];

/// Sends noise to UDP ports; how many datagrams that were.
pub(super) fn udp(ports: &[SocketAddr]) -> Result<usize, NodeError> {
    let fault = |source| NodeError::io("a socket for noise", source);
    let mut sent = 0;
    for port in ports {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fault)?;
        for round in 0..ROUNDS {
            let garbage = random::<96>()?;
            let cut = usize::from(round) % garbage.len();
            // a request that parses up to where its options turn to garbage
            let mut request = Message::new(Type::Con, Code::GET, round, Token::default()).encode();
            request.extend_from_slice(&garbage[..cut]);
            let half = &HALF_HELLO[..usize::from(round) % (HALF_HELLO.len() + 1)];
            for datagram in [&garbage[..cut], &request, half] {
                // a full buffer on the way is as good as a lost datagram
                sent += usize::from(socket.send_to(datagram, port).is_ok());
            }
        }
    }
    Ok(sent)
}

/// Sends noise to an HTTP port: garbage, a body that never comes, JSON that never ends.
pub(super) fn http(port: SocketAddr) -> Result<(), NodeError> {
    let garbage = random::<64>()?;
    let promise = b"POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n{";
    let nested = [
        b"POST / HTTP/1.1\r\ncontent-length: 4000\r\n\r\n".to_vec(),
        vec![b'['; 4000],
    ]
    .concat();
    for junk in [&garbage[..], promise, &nested] {
        let mut stream = TcpStream::connect_timeout(&port, TCP_LIMIT)
            .map_err(|source| NodeError::io(port, source))?;
        // the server may hang up on us in the middle, which is its right
        let _ = stream.write_all(junk);
    }
    Ok(())
}
