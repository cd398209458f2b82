//! The message codec (RFC 7252, 3).
//!
//! ```text
//!  0                   1                   2                   3
//! |Ver| T |  TKL  |      Code     |          Message ID           |
//! | Token (0..8) | Options ... | 0xFF | Payload ...               |
//! ```

use super::{code::Code, option::Options};
use core::fmt;

/// The four message types (RFC 7252, 4.2, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Confirmable: repeated until acknowledged.
    Con,
    /// Non-confirmable: sent once.
    Non,
    /// Acknowledgement, perhaps with the response in it.
    Ack,
    /// Reset: "I cannot make sense of this".
    Rst,
}

/// A Token of 0 to 8 bytes: pairs a response with its request (RFC 7252, 5.3.1).
///
/// Mode G binds an object to it, so a client draws it at random (spec 2.7).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Token {
    length: u8,
    bytes: [u8; 8],
}

impl Token {
    /// A Token of these bytes; `None` if longer than 8.
    pub fn new(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        Some(Token {
            length: value.len() as u8,
            bytes,
        })
    }

    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", hex::encode(self.as_bytes()))
    }
}

/// One CoAP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Confirmable, non-confirmable, acknowledgement or reset.
    pub kind: Type,
    /// Method or response code.
    pub code: Code,
    /// Message ID: pairs an acknowledgement with its message, and finds duplicates.
    pub id: u16,
    /// Pairs a response with its request.
    pub token: Token,
    /// Options, sorted by number.
    pub options: Options,
    /// Payload; empty means none.
    pub payload: Vec<u8>,
}

/// Why bytes are not a message, and what the receiver owes the sender (RFC 7252, 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Not CoAP version 1, or no whole header: ignored in silence.
    Foreign,
    /// A header with a message format error behind it: a confirmable one is answered by a reset.
    Format {
        /// Type in the header.
        kind: Type,
        /// Message ID in the header.
        id: u16,
    },
}

impl Message {
    /// An empty message: an acknowledgement, a reset or a ping.
    pub fn empty(kind: Type, id: u16) -> Self {
        Message {
            kind,
            code: Code::EMPTY,
            id,
            token: Token::default(),
            options: Options::new(),
            payload: Vec::new(),
        }
    }

    /// A message without options and payload.
    pub fn new(kind: Type, code: Code, id: u16, token: Token) -> Self {
        Message {
            kind,
            code,
            id,
            token,
            options: Options::new(),
            payload: Vec::new(),
        }
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// [`ParseError::Foreign`] for what is not CoAP, [`ParseError::Format`] for a broken message.
    pub fn parse(datagram: &[u8]) -> Result<Self, ParseError> {
        let Some((&[first, code, id_high, id_low], rest)) = datagram.split_first_chunk::<4>()
        else {
            return Err(ParseError::Foreign);
        };
        if first >> 6 != 1 {
            return Err(ParseError::Foreign);
        }
        let kind = match first >> 4 & 3 {
            0 => Type::Con,
            1 => Type::Non,
            2 => Type::Ack,
            _ => Type::Rst,
        };
        let id = u16::from_be_bytes([id_high, id_low]);
        let body = parse_body(first & 0x0f, Code(code), rest);
        let (token, options, payload) = body.ok_or(ParseError::Format { kind, id })?;
        Ok(Message {
            kind,
            code: Code(code),
            id,
            token,
            options,
            payload: payload.to_vec(),
        })
    }

    /// The bytes of the datagram.
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            Type::Con => 0,
            Type::Non => 1,
            Type::Ack => 2,
            Type::Rst => 3,
        };
        let mut out = Vec::with_capacity(32 + self.payload.len());
        out.push(0x40 | kind << 4 | self.token.length);
        out.push(self.code.0);
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(self.token.as_bytes());
        let mut previous = 0;
        for (option, value) in self.options.iter() {
            encode_option(&mut out, option - previous, value);
            previous = option;
        }
        if !self.payload.is_empty() {
            out.push(0xff);
            out.extend_from_slice(&self.payload);
        }
        out
    }
}

/// Token, options and payload; `None` on any format error.
fn parse_body(token_length: u8, code: Code, rest: &[u8]) -> Option<(Token, Options, &[u8])> {
    if code == Code::EMPTY && (token_length != 0 || !rest.is_empty()) {
        return None;
    }
    let (token, mut rest) = rest.split_at_checked(usize::from(token_length))?;
    let token = Token::new(token)?;
    let mut options = Options::new();
    let mut number = 0u16;
    while let Some((&head, tail)) = rest.split_first() {
        if head == 0xff {
            return (!tail.is_empty()).then_some((token, options, tail));
        }
        let (delta, tail) = extended(head >> 4, tail)?;
        let (length, tail) = extended(head & 0x0f, tail)?;
        number = number.checked_add(delta)?;
        let (value, tail) = tail.split_at_checked(usize::from(length))?;
        options.add(number, value);
        rest = tail;
    }
    Some((token, options, &[]))
}

/// A delta or length nibble with its extension; 15 is reserved (RFC 7252, 3.1).
fn extended(nibble: u8, rest: &[u8]) -> Option<(u16, &[u8])> {
    match nibble {
        13 => {
            let (&more, rest) = rest.split_first()?;
            Some((13 + u16::from(more), rest))
        }
        14 => {
            let (more, rest) = rest.split_first_chunk::<2>()?;
            Some((u16::from_be_bytes(*more).checked_add(269)?, rest))
        }
        15 => None,
        small => Some((u16::from(small), rest)),
    }
}

fn encode_option(out: &mut Vec<u8>, delta: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let (delta_nibble, delta_more) = nibble(delta);
    let (length_nibble, length_more) = nibble(length);
    out.push(delta_nibble << 4 | length_nibble);
    out.extend_from_slice(&delta_more);
    out.extend_from_slice(&length_more);
    out.extend_from_slice(value.get(..usize::from(length)).unwrap_or(value));
}

fn nibble(value: u16) -> (u8, Vec<u8>) {
    match value {
        0..13 => (value as u8, vec![]),
        13..269 => (13, vec![(value - 13) as u8]),
        _ => (14, (value - 269).to_be_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::option::number, *};

    fn sample() -> Message {
        let mut message = Message::new(
            Type::Con,
            Code::PUT,
            0xabcd,
            Token::new(&[1, 2, 3]).unwrap(),
        );
        message.options.add(number::URI_PATH, *b"ace-group");
        message.options.add(number::URI_PATH, vec![b'x'; 255]);
        message.options.add(number::ECHO, vec![7; 12]);
        message.options.add(number::REQUEST_TAG, vec![]);
        message.options.add(65000, vec![9; 300]);
        message.payload = b"payload".to_vec();
        message
    }

    #[test]
    fn a_message_survives_the_round_trip() {
        let message = sample();
        assert_eq!(Message::parse(&message.encode()), Ok(message));
    }

    #[test]
    fn the_example_of_the_rfc_decodes() {
        // RFC 7252, figure 16: CON GET /temperature, Message ID 0x7d34.
        let bytes = [&[0x40, 1, 0x7d, 0x34, 0xbb][..], b"temperature"].concat();
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.kind, message.code, message.id),
            (Type::Con, Code::GET, 0x7d34)
        );
        assert_eq!(
            message.options.get(number::URI_PATH),
            Some(&b"temperature"[..])
        );
        assert_eq!(message.encode(), bytes);
    }

    #[test]
    fn format_errors_name_the_message_they_came_in() {
        let format = Err(ParseError::Format {
            kind: Type::Con,
            id: 5,
        });
        for (bytes, why) in [
            (&[0x40, 1, 0, 5, 0xff][..], "marker without payload"),
            (
                &[0x49, 1, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9],
                "token of nine bytes",
            ),
            (&[0x42, 1, 0, 5, 1], "token cut short"),
            (&[0x41, 0, 0, 5, 1], "empty message with a token"),
            (&[0x40, 0, 0, 5, 0xff, 1], "empty message with a payload"),
            (&[0x40, 1, 0, 5, 0xf0], "delta 15"),
            (&[0x40, 1, 0, 5, 0x1f], "length 15"),
            (&[0x40, 1, 0, 5, 0xd0], "extension missing"),
            (&[0x40, 1, 0, 5, 0xe0, 0xff, 0xff], "number beyond 65535"),
            (
                &[0x40, 1, 0, 5, 0xe0, 0xfe, 0x00, 0xe0, 0x10, 0x00],
                "sum of deltas beyond 65535",
            ),
            (&[0x40, 1, 0, 5, 0xb3, 1, 2], "value cut short"),
        ] {
            assert_eq!(Message::parse(bytes), format, "{why}");
        }
        assert_eq!(Message::parse(&[0x80, 1, 0, 5]), Err(ParseError::Foreign));
        assert_eq!(Message::parse(&[0x40, 1, 0]), Err(ParseError::Foreign));
    }

    #[test]
    fn every_truncation_and_bit_flip_parses_or_fails_without_panic() {
        let bytes = sample().encode();
        for end in 0..bytes.len() {
            let _ = Message::parse(&bytes[..end]);
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(message) = Message::parse(&flipped) {
                assert_eq!(Message::parse(&message.encode()), Ok(message));
            }
        }
    }
}
