//! The encoded name of a resource: `rs, [*path]` as in the additional data (spec 2.2).

use crate::ResourceId;
use crate::frame::{ARRAY, BYTES, Frame, TEXT, head_len};

/// Writes the name of `resource`.
pub(crate) fn name(frame: &mut Frame<'_>, resource: &ResourceId<'_>) {
    frame.bytes(resource.rs().as_bytes());
    texts(frame, resource.path());
}

/// What follows the name of `resource`, if the encoding begins with it.
pub(crate) fn strip_name<'a>(encoded: &'a [u8], resource: &ResourceId<'_>) -> Option<&'a [u8]> {
    let ([head, rs @ ..], rest) = encoded.split_first_chunk::<21>()?;
    if *head != BYTES | 20 || rs != resource.rs().as_bytes() {
        return None;
    }
    strip_texts(rest, resource.path())
}

/// What follows an array of `texts`, at most 8, if the encoding begins with it.
#[inline]
pub(crate) fn strip_texts<'a>(encoded: &'a [u8], texts: &[&str]) -> Option<&'a [u8]> {
    let (count, mut rest) = encoded.split_first()?;
    if usize::from(*count ^ ARRAY) != texts.len() {
        return None;
    }
    for text in texts {
        rest = strip_text(rest, text.as_bytes())?;
    }
    Some(rest)
}

/// What follows `text`, if the encoding begins with it.
fn strip_text<'a>(encoded: &'a [u8], text: &[u8]) -> Option<&'a [u8]> {
    let (len, rest) = match *encoded {
        [head @ TEXT..0x78, ref rest @ ..] => (usize::from(head ^ TEXT), rest),
        [0x78, len, ref rest @ ..] => (usize::from(len), rest),
        _ => return None,
    };
    if len == text.len() {
        rest.strip_prefix(text)
    } else {
        None
    }
}

/// An array of texts.
pub(crate) fn texts(frame: &mut Frame<'_>, texts: &[&str]) {
    frame.head(ARRAY, texts.len());
    for text in texts {
        frame.head(TEXT, text.len()).extend(text.as_bytes());
    }
}

/// Length of an array of texts, at most 8.
pub(crate) fn texts_len(texts: &[&str]) -> usize {
    let lens = texts.iter().map(|text| text.len());
    lens.fold(1, |sum, len| {
        sum.wrapping_add(head_len(len)).wrapping_add(len)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use iotchain_core::Address;
    use iotchain_core::cbor::Writer;

    #[test]
    fn a_name_is_its_encoding_and_belongs_to_one_resource() {
        let long = "x".repeat(100);
        let paths: [&[&str]; 8] = [
            &[],
            &[""],
            &["temp"],
            &["tem"],
            &["te", "mp"],
            &["temp", ""],
            &[&long, "a"],
            &["a", &long],
        ];
        for rs in [[1; 20], [2; 20]].map(Address::new) {
            for path in paths {
                let resource = ResourceId::new(rs, path, &["q"]).unwrap();
                let (mut ours, mut theirs) = ([0; 256], [0; 256]);
                let mut writer = Writer::new(&mut theirs);
                writer.bytes(rs.as_bytes()).array(path.len() as u64);
                path.iter().for_each(|text| {
                    writer.text(text);
                });
                let len = writer.finish().unwrap();
                let mut frame = Frame::new(&mut ours);
                name(&mut frame, &resource);
                assert_eq!(frame.finish(), Ok(len));
                assert_eq!(ours, theirs);
                assert_eq!(21 + texts_len(path), len);
                for other in paths {
                    let other = ResourceId::new(rs, other, &[]).unwrap();
                    let rest = strip_name(&ours, &other);
                    assert_eq!(rest == Some(&ours[len..]), other.path() == path);
                    assert_eq!(rest.is_some(), other.path() == path);
                    let elsewhere = ResourceId::new(Address::new([3; 20]), path, &[]).unwrap();
                    assert_eq!(strip_name(&ours, &elsewhere), None);
                    for end in 0..len {
                        assert_eq!(strip_name(&ours[..end], &resource), None);
                    }
                }
            }
        }
    }
}
