//! Strict CBOR: what `check` accepts, the reader walks to the end, and written again it is the same bytes.
#![no_main]

use iotchain_core::Result;
use iotchain_core::cbor::{Major, Reader, Writer, check, check_tagged};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Tags are refused unless named.
    let _ = check_tagged(data, &[61, 18, 601]);
    if check(data).is_err() {
        return;
    }
    let mut again = vec![0; data.len()];
    let mut writer = Writer::new(&mut again);
    let mut reader = Reader::new(data);
    copy(&mut reader, &mut writer).expect("a checked item can be read");
    reader.done().expect("one item, no more");
    assert_eq!(writer.finish(), Ok(data.len()));
    assert_eq!(again, data, "one value has one encoding");
});

/// Copies one item; the depth is bounded by the check.
fn copy(reader: &mut Reader<'_>, writer: &mut Writer<'_>) -> Result<()> {
    match reader.peek() {
        Some(Major::Uint) => {
            writer.uint(reader.uint()?);
        }
        Some(Major::Negative) => match reader.clone().int() {
            Ok(value) => {
                reader.skip()?;
                writer.int(value);
            }
            // Beyond i64: legal, and nothing that the protocol ever reads.
            Err(_) => raw(reader, writer)?,
        },
        Some(Major::Bytes) => {
            writer.bytes(reader.bytes()?);
        }
        Some(Major::Text) => {
            writer.text(reader.text()?);
        }
        Some(Major::Array) => {
            let count = reader.array()?;
            writer.array(count as u64);
            for _ in 0..count {
                copy(reader, writer)?;
            }
        }
        Some(Major::Map) => {
            let count = reader.map()?;
            writer.map(count as u64);
            for _ in 0..count {
                copy(reader, writer)?;
                copy(reader, writer)?;
            }
        }
        _ => raw(reader, writer)?,
    }
    Ok(())
}

fn raw(reader: &mut Reader<'_>, writer: &mut Writer<'_>) -> Result<()> {
    let before = reader.remaining();
    reader.skip()?;
    writer.raw(&before[..before.len() - reader.remaining().len()]);
    Ok(())
}
