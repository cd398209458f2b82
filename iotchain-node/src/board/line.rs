//! Requests and answers on a serial line.
//!
//! ```text
//! request = 0xa7 kind len(2) payload                     answer = 0xa7 (kind | 0x80) len(2) result(4) payload
//! ```
//!
//! Numbers are big-endian; `result` is 0 or the negative number of the registry. Bytes between frames are skipped, so a board may
//! print while it starts. There is no checksum: what matters is authenticated by its content.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::NodeError;

const START: u8 = 0xa7;
const ANSWER: u8 = 0x80;
/// A slow core in an emulator takes seconds for a signature.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a board is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Version of its interface and its public key.
    Hello = 1,
    /// A challenge of the key server; the answer is the join request.
    Challenge = 2,
    /// The join response.
    Join = 3,
    /// An event or a beacon; the answer is the newest session.
    Broadcast = 4,
    /// A GET with a Token; the answer is an object of mode G.
    Get = 5,
    /// A reading for a proxy: an object of mode S.
    Publish = 6,
    /// A request of mode P; the answer is a response code, and a reply or a challenge.
    Request = 7,
    /// Seal all state, forget it, and wake again.
    Sleep = 8,
    /// Halt.
    End = 9,
}

/// One end of the line.
pub(super) struct Line {
    out: Box<dyn Write>,
    frames: Receiver<io::Result<(u8, Vec<u8>)>>,
}

impl Line {
    /// Opens a device or a socket.
    ///
    /// # Errors
    /// [`NodeError::Io`].
    pub(super) fn open(path: &Path) -> Result<Self, NodeError> {
        let fault = |source| NodeError::io(path.display(), source);
        let is_socket = path.metadata().map_err(fault)?.file_type().is_socket();
        if is_socket {
            let stream = UnixStream::connect(path).map_err(fault)?;
            let out = stream.try_clone().map_err(fault)?;
            Ok(Self::over(stream, out))
        } else {
            let device = File::options()
                .read(true)
                .write(true)
                .open(path)
                .map_err(fault)?;
            let out = device.try_clone().map_err(fault)?;
            Ok(Self::over(device, out))
        }
    }

    /// Over any pair of streams.
    pub(super) fn over(mut input: impl Read + Send + 'static, out: impl Write + 'static) -> Self {
        let (told, frames) = channel();
        // a device has no timeout: a thread waits for its bytes, and ends with the line or the process
        thread::spawn(move || {
            loop {
                let frame = read(&mut input);
                let over = frame.is_err();
                if told.send(frame).is_err() || over {
                    break;
                }
            }
        });
        Self {
            out: Box::new(out),
            frames,
        }
    }

    /// Asks the board. What it refuses is its own result.
    ///
    /// # Errors
    /// [`NodeError::Io`] if the line fails, [`NodeError::Failed`] for silence or an answer that is none.
    pub(super) fn ask(&mut self, kind: Kind, parts: &[&[u8]]) -> Result<Answer, NodeError> {
        let payload = parts.concat();
        let len = u16::try_from(payload.len()).map_err(|_| {
            NodeError::Failed(format!("{kind:?}: {} bytes are no frame", payload.len()))
        })?;
        let mut frame = vec![START, kind as u8];
        frame.extend_from_slice(&len.to_be_bytes());
        frame.extend_from_slice(&payload);
        let fault = |source| NodeError::io("serial line", source);
        self.out
            .write_all(&frame)
            .and_then(|()| self.out.flush())
            .map_err(fault)?;
        let (answered, payload) = self
            .frames
            .recv_timeout(PATIENCE)
            .map_err(|_| NodeError::Failed(format!("{kind:?}: the board is silent")))?
            .map_err(fault)?;
        match payload.split_first_chunk() {
            Some((result, body)) if answered == kind as u8 | ANSWER => {
                Ok(match i32::from_be_bytes(*result) {
                    0 => Answer::Done(body.to_vec()),
                    result => Answer::Refused(result),
                })
            }
            _ => Err(NodeError::Failed(format!(
                "{kind:?}: answered with frame {answered:#04x}"
            ))),
        }
    }
}

/// What a board answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It did as asked.
    Done(Vec<u8>),
    /// It returned this error.
    Refused(i32),
}

/// The next frame, whatever comes before it.
pub(super) fn read(input: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut start = [0];
    while start != [START] {
        input.read_exact(&mut start)?;
    }
    let mut head = [0; 3];
    input.read_exact(&mut head)?;
    let [kind, high, low] = head;
    let mut payload = vec![0; u16::from_be_bytes([high, low]).into()];
    input.read_exact(&mut payload)?;
    Ok((kind, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answering(bytes: &'static [u8]) -> Line {
        Line::over(bytes, io::sink())
    }

    #[test]
    fn an_answer_is_found_behind_what_a_board_prints() {
        let mut line = answering(b"booting\r\n\xa7\x81\x00\x06\0\0\0\0ok");
        assert_eq!(
            line.ask(Kind::Hello, &[]).unwrap(),
            Answer::Done(b"ok".to_vec())
        );
    }

    #[test]
    fn a_refusal_carries_the_number_of_the_registry() {
        let mut line = answering(b"\xa7\x84\x00\x04\xff\xff\xff\xca");
        assert_eq!(
            line.ask(Kind::Broadcast, &[]).unwrap(),
            Answer::Refused(-54)
        );
    }

    #[test]
    fn other_answers_and_a_dead_line_are_failures() {
        for bytes in [
            b"\xa7\x82\x00\x04\0\0\0\0".as_slice(),
            b"\xa7\x81\x00\x03\0\0\0",
            b"\xa7\x81\x00\x09\0\0\0\0",
            b"",
        ] {
            assert!(
                answering(bytes).ask(Kind::Hello, &[]).is_err(),
                "{bytes:02x?}"
            );
        }
    }

    #[test]
    fn a_request_has_a_head_and_its_parts() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut line = Line::over(io::empty(), ours);
        assert!(line.ask(Kind::Get, &[b"a", b"bc"]).is_err());
        assert_eq!(read(&mut theirs).unwrap(), (5, b"abc".to_vec()));
    }
}
