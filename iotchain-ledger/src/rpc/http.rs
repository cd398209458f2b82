//! As much of HTTP/1.1 as JSON-RPC needs (RFC 9112): POST with a length, one answer, persistent connections.
//!
//! Written out because nothing here may wait forever for a peer that stops sending: every request has a deadline.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Longest request line and header fields together, in bytes.
const MAX_HEAD: u64 = 16 << 10;
/// Longest body in bytes: a transaction of 128 KiB in hex, and some.
const MAX_BODY: usize = 320 << 10;
/// Time for a request to come, from the end of the one before it. Longer than clients keep idle connections.
const REQUEST_TIME: Duration = Duration::from_secs(60);
/// Time for an answer to go, and for a refused body to be read and thrown away.
const REPLY_TIME: Duration = Duration::from_secs(10);

/// A request.
pub(super) struct Request {
    pub(super) body: Vec<u8>,
    /// The field Host, if there is one.
    pub(super) host: Option<String>,
    /// Whether another request may follow on this connection.
    pub(super) persistent: bool,
}

/// Status code, reason and text of a refusal.
#[derive(Clone, Copy)]
pub(super) struct Refusal(pub(super) u16, pub(super) &'static str);

/// Why no request came.
pub(super) enum Missed {
    /// The peer closed, went silent or broke off.
    Gone,
    /// It sent something that is not served.
    Refused(Refusal),
}

impl From<io::Error> for Missed {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl From<Refusal> for Missed {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A connection with a client.
pub(super) struct Connection(BufReader<Timed>);

impl Connection {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(REPLY_TIME))?;
        Ok(Self(BufReader::new(Timed {
            stream,
            deadline: Instant::now(),
        })))
    }

    /// Waits for the next request.
    pub(super) fn receive(&mut self) -> Result<Request, Missed> {
        self.0.get_mut().deadline = Instant::now() + REQUEST_TIME;
        let head = Head::read(&mut self.0)?;
        if head.expects_continue {
            self.0
                .get_mut()
                .stream
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = vec![0; head.length];
        self.0.read_exact(&mut body)?;
        Ok(Request {
            body,
            host: head.host,
            persistent: head.persistent,
        })
    }

    /// Answers with JSON.
    pub(super) fn reply(&mut self, body: &str) -> io::Result<()> {
        self.write(200, "OK", "application/json", body)
    }

    /// Refuses, and closes so that the peer can still read why.
    pub(super) fn refuse(mut self, Refusal(status, text): Refusal) -> io::Result<()> {
        self.write(status, text, "text/plain", &format!("{text}\n"))?;
        let timed = self.0.get_mut();
        timed.stream.shutdown(std::net::Shutdown::Write)?;
        timed.deadline = Instant::now() + REPLY_TIME;
        io::copy(&mut self.0.take(4 * MAX_BODY as u64), &mut io::sink()).map(drop)
    }

    fn write(&mut self, status: u16, reason: &str, kind: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().stream.write_all(answer.as_bytes())
    }
}

/// A stream whose reads end at a deadline.
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(out)
    }
}

/// What matters of a request line and its fields.
struct Head {
    length: usize,
    host: Option<String>,
    persistent: bool,
    expects_continue: bool,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> Result<Self, Missed> {
        let mut reader = reader.take(MAX_HEAD);
        let request = line(&mut reader)?;
        let mut words = request.split(' ');
        let (method, version) = (words.next(), words.nth(1));
        let (mut length, mut host, mut expects_continue) = (None, None, false);
        let mut persistent = version == Some("HTTP/1.1");
        if !persistent && version != Some("HTTP/1.0") {
            return Err(Refusal(400, "not HTTP/1.1").into());
        }
        loop {
            let field = line(&mut reader)?;
            if field.is_empty() {
                break;
            }
            let (name, value) = field
                .split_once(':')
                .ok_or(Refusal(400, "malformed header field"))?;
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" if length.is_none() => {
                    length = Some(
                        value
                            .parse()
                            .map_err(|_| Refusal(400, "malformed length"))?,
                    )
                }
                "content-length" => return Err(Refusal(400, "two lengths").into()),
                "transfer-encoding" => return Err(Refusal(501, "send a Content-Length").into()),
                "host" => host = Some(value.to_owned()),
                "connection" if value.eq_ignore_ascii_case("close") => persistent = false,
                "expect" => expects_continue = value.eq_ignore_ascii_case("100-continue"),
                _ => {}
            }
        }
        if method != Some("POST") {
            return Err(Refusal(405, "JSON-RPC takes POST").into());
        }
        let length = length.ok_or(Refusal(411, "send a Content-Length"))?;
        if length > MAX_BODY {
            return Err(Refusal(413, "request too long").into());
        }
        Ok(Self {
            length,
            host,
            persistent,
            expects_continue,
        })
    }
}

/// A line without its end.
fn line(reader: &mut io::Take<&mut impl BufRead>) -> Result<String, Missed> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(if reader.limit() == 0 {
            Refusal(431, "header too long").into()
        } else {
            Missed::Gone
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| Refusal(400, "header is not UTF-8").into())
}
