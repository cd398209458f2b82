//! What a client asks and what it gets.

use crate::{
    coap::{
        code::Code,
        message::{Message, Token},
        option::{Options, number},
    },
    runtime::NetError,
};

/// A request to be made.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) code: Code,
    pub(super) options: Options,
    pub(super) payload: Vec<u8>,
    pub(super) confirmable: bool,
    pub(super) repeat_after_echo: bool,
}

impl Call {
    /// A request for `target`, written `a/b/c?x=1&y=2`: taken literally, without percent decoding.
    pub fn new(code: Code, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut options = Options::new();
        for segment in path.split('/').filter(|s| !s.is_empty()) {
            options.add(number::URI_PATH, segment);
        }
        for argument in query.split('&').filter(|s| !s.is_empty()) {
            options.add(number::URI_QUERY, argument);
        }
        Call {
            code,
            options,
            payload: Vec::new(),
            confirmable: true,
            repeat_after_echo: true,
        }
    }

    /// A GET.
    pub fn get(target: &str) -> Self {
        Call::new(Code::GET, target)
    }

    /// A POST with a body.
    pub fn post(target: &str, content_format: u16, payload: impl Into<Vec<u8>>) -> Self {
        Call::new(Code::POST, target).body(content_format, payload)
    }

    /// A PUT with a body.
    pub fn put(target: &str, content_format: u16, payload: impl Into<Vec<u8>>) -> Self {
        Call::new(Code::PUT, target).body(content_format, payload)
    }

    /// Adds a body and its format.
    pub fn body(mut self, content_format: u16, payload: impl Into<Vec<u8>>) -> Self {
        self.options
            .set_uint(number::CONTENT_FORMAT, content_format.into());
        self.payload = payload.into();
        self
    }

    /// Accepts one format only.
    pub fn accept(mut self, content_format: u16) -> Self {
        self.options.set_uint(number::ACCEPT, content_format.into());
        self
    }

    /// Says which representation we hold already.
    pub fn etag(mut self, etag: &[u8]) -> Self {
        self.options.add(number::ETAG, etag);
        self
    }

    /// Returns an Echo value to the server.
    pub fn echo(mut self, value: &[u8]) -> Self {
        self.options.set(number::ECHO, value);
        self
    }

    /// Adds any other option.
    pub fn option(mut self, option: u16, value: impl Into<Vec<u8>>) -> Self {
        self.options.add(option, value);
        self
    }

    /// Sends it once, without acknowledgement.
    pub fn non_confirmable(mut self) -> Self {
        self.confirmable = false;
        self
    }

    /// Hands a 4.01 with Echo to the caller: a body that binds the Echo value must be sealed again (spec 2.7).
    pub fn without_echo_repetition(mut self) -> Self {
        self.repeat_after_echo = false;
        self
    }

    /// # Errors
    /// [`NetError::Request`] for a segment or an argument of more than 255 bytes.
    pub(super) fn check(&self) -> Result<(), NetError> {
        let mut parts = self
            .options
            .all(number::URI_PATH)
            .chain(self.options.all(number::URI_QUERY));
        if parts.any(|p| p.len() > 255) {
            return Err(NetError::Request(
                "a path segment or query argument has more than 255 bytes",
            ));
        }
        Ok(())
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code.
    pub code: Code,
    /// The options of the first block.
    pub options: Options,
    /// The assembled body.
    pub payload: Vec<u8>,
    /// The Token of the request that produced the representation; an object of mode G is bound to it (spec 2.7).
    pub token: Token,
}

impl Reply {
    pub(super) fn of(message: Message) -> Self {
        Reply {
            code: message.code,
            options: message.options,
            payload: message.payload,
            token: message.token,
        }
    }

    /// Content-Format of the body.
    pub fn content_format(&self) -> Option<u16> {
        self.options.uint16(number::CONTENT_FORMAT)
    }

    /// Seconds for which the answer may be cached; 60 if the server did not say (RFC 7252, 5.10.5).
    pub fn max_age(&self) -> u32 {
        self.options.uint(number::MAX_AGE).unwrap_or(60)
    }

    /// The representation's name.
    pub fn etag(&self) -> Option<&[u8]> {
        self.options.get(number::ETAG)
    }

    /// The Echo value of a challenge.
    pub fn echo(&self) -> Option<&[u8]> {
        self.options.get(number::ECHO)
    }

    /// Sequence number of a notification.
    pub fn observe(&self) -> Option<u32> {
        self.options.uint(number::OBSERVE)
    }

    /// Location-Path, joined by slashes.
    pub fn location(&self) -> String {
        let segments: Vec<_> = self
            .options
            .all(number::LOCATION_PATH)
            .map(String::from_utf8_lossy)
            .collect();
        segments.join("/")
    }
}
