//! The resource an object belongs to: server, path and query, never transmitted inside the object but authenticated
//! and part of its key (spec 1.3, 2.2).

use iotchain_core::{Address, Error, Result};

/// Most Uri-Path segments.
pub const MAX_SEGMENTS: usize = 8;
/// Most Uri-Query arguments.
pub const MAX_ARGUMENTS: usize = 4;
/// Most UTF-8 bytes of all segments and arguments together, separators not counted.
pub const MAX_URI_BYTES: usize = 192;

/// A valid resource: Uri-Path and Uri-Query option values in order, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceId<'a> {
    rs: Address,
    path: &'a [&'a str],
    query: &'a [&'a str],
}

impl<'a> ResourceId<'a> {
    /// The resource `path` with arguments `query` at the resource server `rs`. For an object from a proxy this is the
    /// resource at the server, not the proxy's own URI.
    ///
    /// # Errors
    /// [`Error::Path`] for more than 8 segments, 4 arguments or 192 bytes, and for the segments "." and ".."
    /// (RFC 7252, 5.10.1).
    pub fn new(rs: Address, path: &'a [&'a str], query: &'a [&'a str]) -> Result<Self> {
        let bytes = path
            .iter()
            .chain(query)
            .fold(0usize, |sum, text| sum.saturating_add(text.len()));
        let dots = path.iter().any(|segment| matches!(*segment, "." | ".."));
        if path.len() > MAX_SEGMENTS || query.len() > MAX_ARGUMENTS || bytes > MAX_URI_BYTES || dots
        {
            return Err(Error::Path);
        }
        Ok(Self { rs, path, query })
    }

    /// The resource server.
    #[must_use]
    pub const fn rs(&self) -> Address {
        self.rs
    }

    /// Path segments.
    #[must_use]
    pub const fn path(&self) -> &'a [&'a str] {
        self.path
    }

    /// Query arguments.
    #[must_use]
    pub const fn query(&self) -> &'a [&'a str] {
        self.query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RS: Address = Address::new([7; 20]);

    #[test]
    fn c10_the_limit_counts_utf8_bytes_of_path_and_query_without_separators() {
        let long = "x".repeat(180);
        let text = long.as_str();
        assert!(ResourceId::new(RS, &[text, "ää"], &["12345678"]).is_ok());
        assert_eq!(
            ResourceId::new(RS, &[text, "ää"], &["123456789"]),
            Err(Error::Path)
        );
        assert_eq!(
            ResourceId::new(RS, &[text, "ääx"], &["12345678"]),
            Err(Error::Path)
        );
    }

    #[test]
    fn counts_and_dot_segments() {
        assert!(ResourceId::new(RS, &["a"; 8], &["q"; 4]).is_ok());
        assert_eq!(ResourceId::new(RS, &["a"; 9], &[]), Err(Error::Path));
        assert_eq!(ResourceId::new(RS, &[], &["q"; 5]), Err(Error::Path));
        assert_eq!(ResourceId::new(RS, &["a", "."], &[]), Err(Error::Path));
        assert_eq!(ResourceId::new(RS, &["..", "a"], &[]), Err(Error::Path));
        assert!(ResourceId::new(RS, &["...", ""], &["..", "."]).is_ok());
    }
}
