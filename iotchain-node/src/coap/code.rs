//! Request methods and response codes (RFC 7252, 12.1).

use core::fmt;

/// A CoAP code: three bits of class, five of detail, written `c.dd` (RFC 7252, 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(pub u8);

macro_rules! codes {
    ($($name:ident = $class:literal . $detail:literal, $doc:literal;)*) => {
        impl Code {
            $(#[doc = $doc] pub const $name: Code = Code($class << 5 | $detail);)*
        }
    };
}

codes! {
    EMPTY = 0 . 0, "No code: an acknowledgement, a reset or a ping.";
    GET = 0 . 1, "Read (RFC 7252, 5.8.1).";
    POST = 0 . 2, "Process (RFC 7252, 5.8.2).";
    PUT = 0 . 3, "Store (RFC 7252, 5.8.3).";
    DELETE = 0 . 4, "Remove (RFC 7252, 5.8.4).";
    FETCH = 0 . 5, "Read with a request body (RFC 8132, 2).";
    CREATED = 2 . 1, "2.01 Created.";
    DELETED = 2 . 2, "2.02 Deleted.";
    VALID = 2 . 3, "2.03 Valid.";
    CHANGED = 2 . 4, "2.04 Changed.";
    CONTENT = 2 . 5, "2.05 Content.";
    CONTINUE = 2 . 31, "2.31 Continue (RFC 7959, 2.9.1).";
    BAD_REQUEST = 4 . 0, "4.00 Bad Request.";
    UNAUTHORIZED = 4 . 1, "4.01 Unauthorized.";
    BAD_OPTION = 4 . 2, "4.02 Bad Option.";
    FORBIDDEN = 4 . 3, "4.03 Forbidden.";
    NOT_FOUND = 4 . 4, "4.04 Not Found.";
    METHOD_NOT_ALLOWED = 4 . 5, "4.05 Method Not Allowed.";
    NOT_ACCEPTABLE = 4 . 6, "4.06 Not Acceptable.";
    REQUEST_ENTITY_INCOMPLETE = 4 . 8, "4.08 Request Entity Incomplete (RFC 7959, 2.9.2).";
    CONFLICT = 4 . 9, "4.09 Conflict (RFC 8132, 2.3.2).";
    PRECONDITION_FAILED = 4 . 12, "4.12 Precondition Failed.";
    REQUEST_ENTITY_TOO_LARGE = 4 . 13, "4.13 Request Entity Too Large.";
    UNSUPPORTED_CONTENT_FORMAT = 4 . 15, "4.15 Unsupported Content-Format.";
    TOO_MANY_REQUESTS = 4 . 29, "4.29 Too Many Requests (RFC 8516).";
    INTERNAL_SERVER_ERROR = 5 . 0, "5.00 Internal Server Error.";
    NOT_IMPLEMENTED = 5 . 1, "5.01 Not Implemented.";
    BAD_GATEWAY = 5 . 2, "5.02 Bad Gateway.";
    SERVICE_UNAVAILABLE = 5 . 3, "5.03 Service Unavailable.";
    GATEWAY_TIMEOUT = 5 . 4, "5.04 Gateway Timeout.";
    PROXYING_NOT_SUPPORTED = 5 . 5, "5.05 Proxying Not Supported.";
}

impl Code {
    /// The class: 0 request, 2 success, 4 client error, 5 server error.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// The detail inside the class.
    pub const fn detail(self) -> u8 {
        self.0 & 0x1f
    }

    /// Whether this is a method.
    pub const fn is_request(self) -> bool {
        self.class() == 0 && self.0 != 0
    }

    /// Whether this is a response code of a class RFC 7252 defines.
    pub const fn is_response(self) -> bool {
        matches!(self.class(), 2 | 4 | 5)
    }

    /// Whether this is a 2.xx response.
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Code::GET => f.write_str("GET"),
            Code::POST => f.write_str("POST"),
            Code::PUT => f.write_str("PUT"),
            Code::DELETE => f.write_str("DELETE"),
            Code::FETCH => f.write_str("FETCH"),
            _ => write!(f, "{}.{:02}", self.class(), self.detail()),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_like_the_rfc() {
        assert_eq!(Code::CONTENT.0, 0x45);
        assert_eq!(Code::CONTINUE.to_string(), "2.31");
        assert_eq!(Code::PROXYING_NOT_SUPPORTED.to_string(), "5.05");
        assert_eq!(Code::FETCH.to_string(), "FETCH");
        assert!(!Code::EMPTY.is_request() && !Code(0x20).is_response());
    }
}
