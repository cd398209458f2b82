//! Paths of resources, exact or with a `*` for whatever follows.

use serde::{Deserialize, Serialize};

/// Longest segment in bytes (RFC 7252, 5.10).
const MAX_SEGMENT: usize = 255;

/// `load`, `log/today` or `log/*`. A `*` stands only at the end, for one or more segments.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    segments: Vec<String>,
    open: bool,
}

impl PathPattern {
    /// Whether it covers a path.
    #[must_use]
    pub fn fits<S: AsRef<str>>(&self, path: &[S]) -> bool {
        let Some((head, rest)) = path.split_at_checked(self.segments.len()) else {
            return false;
        };
        rest.is_empty() != self.open
            && head
                .iter()
                .zip(&self.segments)
                .all(|(a, b)| a.as_ref() == b)
    }

    /// The one path it covers, `None` if it ends in `*`.
    #[must_use]
    pub fn exact(&self) -> Option<&[String]> {
        (!self.open).then_some(&self.segments)
    }
}

impl std::str::FromStr for PathPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut segments: Vec<String> = text.split('/').map(str::to_owned).collect();
        let open = segments.pop_if(|last| last == "*").is_some();
        if segments.is_empty() && !open {
            return Err("a path is empty".into());
        }
        segments
            .iter()
            .try_for_each(|segment| check_segment(segment))?;
        Ok(Self { segments, open })
    }
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.to_string()
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.segments.join("/"))?;
        match (self.open, self.segments.is_empty()) {
            (true, true) => f.write_str("*"),
            (true, false) => f.write_str("/*"),
            (false, _) => Ok(()),
        }
    }
}

/// A segment that reads the same in a URI, in a file and on a command line.
pub(super) fn check_segment(segment: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~');
    if segment.is_empty() || segment.len() > MAX_SEGMENT || matches!(segment, "." | "..") {
        return Err(format!("`{segment}` is no name for a path segment"));
    }
    if !segment.bytes().all(allowed) {
        return Err(format!(
            "`{segment}` has characters besides A-Z a-z 0-9 . _ - ~"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_they_say() {
        let pattern = |text: &str| text.parse::<PathPattern>().unwrap();
        assert!(pattern("load").fits(&["load"]) && !pattern("load").fits(&["load", "x"]));
        assert!(pattern("log/*").fits(&["log", "a", "b"]) && !pattern("log/*").fits(&["log"]));
        assert!(!pattern("log/*").fits(&["lag", "a"]) && !pattern("a/b").fits(&["a"]));
        assert!(pattern("*").fits(&["x"]) && !pattern("*").fits::<&str>(&[]));
        for text in ["load", "log/*", "*", "a/b/c"] {
            assert_eq!(pattern(text).to_string(), text);
        }
        for bad in [
            "",
            "/",
            "a//b",
            "*/a",
            "..",
            "a/../b",
            "a b",
            "/a",
            &"x".repeat(256),
        ] {
            assert!(bad.parse::<PathPattern>().is_err(), "{bad}");
        }
    }
}
