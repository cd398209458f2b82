//! A result, and all results as JSON.

use std::fmt::Write;

/// One figure of one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) peer: &'static str,
    pub(crate) op: &'static str,
    /// Members.
    pub(crate) n: Option<u32>,
    /// Revoked members.
    pub(crate) r: Option<u32>,
    /// Events that the message heals.
    pub(crate) w: Option<u32>,
    /// Bytes of plaintext.
    pub(crate) size: Option<usize>,
    /// Bytes of the message or the state.
    pub(crate) bytes: Option<usize>,
    pub(crate) ns: Option<f64>,
    /// Machine instructions.
    pub(crate) instructions: Option<u64>,
}

impl Row {
    pub(crate) fn new(peer: &'static str, op: &'static str) -> Self {
        Self {
            peer,
            op,
            ..Self::default()
        }
    }

    pub(crate) const fn n(self, n: u32) -> Self {
        Self { n: Some(n), ..self }
    }

    pub(crate) const fn r(self, r: u32) -> Self {
        Self { r: Some(r), ..self }
    }

    pub(crate) const fn w(self, w: u32) -> Self {
        Self { w: Some(w), ..self }
    }

    pub(crate) const fn size(self, size: usize) -> Self {
        Self {
            size: Some(size),
            ..self
        }
    }

    pub(crate) const fn bytes(self, bytes: usize) -> Self {
        Self {
            bytes: Some(bytes),
            ..self
        }
    }

    pub(crate) const fn ns(self, ns: f64) -> Self {
        Self {
            ns: Some(ns),
            ..self
        }
    }
}

/// The rows of a bench as an array of objects; absent keys are left out.
pub(crate) fn json(bench: &str, rows: &[Row]) -> String {
    let object = |row: &Row| {
        let mut text = format!(
            r#"{{"bench":"{bench}","peer":"{}","op":"{}""#,
            row.peer, row.op
        );
        let mut number = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, r#","{key}":{value}"#);
            }
        };
        for (key, value) in [("n", row.n), ("r", row.r), ("w", row.w)] {
            number(key, value.map(|value| value.to_string()));
        }
        number("size", row.size.map(|value| value.to_string()));
        number("bytes", row.bytes.map(|value| value.to_string()));
        number("ns", row.ns.map(|value| format!("{value:.1}")));
        number(
            "instructions",
            row.instructions.map(|value| value.to_string()),
        );
        text + "}"
    };
    let objects: Vec<String> = rows.iter().map(object).collect();
    format!("[\n{}\n]\n", objects.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys_are_left_out() {
        let rows = [
            Row::new("p", "o"),
            Row::new("p", "o").n(1).r(0).w(2).bytes(3).ns(4.56),
            Row {
                instructions: Some(6),
                ..Row::new("p", "o").size(5)
            },
        ];
        let expected = concat!(
            "[\n",
            r#"{"bench":"b","peer":"p","op":"o"},"#,
            "\n",
            r#"{"bench":"b","peer":"p","op":"o","n":1,"r":0,"w":2,"bytes":3,"ns":4.6},"#,
            "\n",
            r#"{"bench":"b","peer":"p","op":"o","size":5,"instructions":6}"#,
            "\n]\n"
        );
        assert_eq!(json("b", &rows), expected);
    }
}
