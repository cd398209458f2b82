//! Strictness of the CBOR reader, with `minicbor` as the oracle for what it accepts.
#![allow(missing_docs)]

use iotchain_core::Error;
use iotchain_core::cbor::{self, Reader, Writer};
use proptest::prelude::*;

#[test]
fn each_violation_has_its_number() {
    let cases: &[(&str, Error)] = &[
        ("", Error::Truncated),
        ("18", Error::Truncated),
        ("4401", Error::Truncated),
        ("5affffffff", Error::Truncated),
        ("9bffffffffffffffff", Error::Truncated),
        ("bbffffffffffffffff", Error::Truncated),
        ("0000", Error::Trailing),
        ("1817", Error::NonMinimal),
        ("1900ff", Error::NonMinimal),
        ("1a0000ffff", Error::NonMinimal),
        ("1b00000000ffffffff", Error::NonMinimal),
        ("5801ff", Error::NonMinimal),
        ("9fff", Error::Indefinite),
        ("ff", Error::Indefinite),
        ("a202000100", Error::Order),
        ("a2200001 00", Error::Order),
        ("a201000100", Error::DuplicateKey),
        ("81818181818100", Error::Depth),
        ("61ff", Error::Utf8),
        ("c000", Error::Item),
        ("f7", Error::Item),
        ("f90000", Error::Item),
        ("f800", Error::Item),
        ("fa00", Error::Truncated),
        ("1c", Error::Item),
        ("a1410100", Error::Item),
        ("a1f400", Error::Item),
    ];
    for (text, error) in cases {
        let bytes = hex::decode(text.replace(' ', "")).unwrap();
        assert_eq!(cbor::check(&bytes), Err(*error), "{text}");
    }
    assert_eq!(cbor::check(&hex::decode("818181818100").unwrap()), Ok(()));
    assert_eq!(cbor::check(&hex::decode("8181818181f6").unwrap()), Ok(()));
    assert_eq!(
        cbor::check_tagged(&hex::decode("d83dd28000").unwrap()[..4], &[61, 18]),
        Ok(())
    );
}

#[test]
fn wrong_types_move_nothing() {
    let mut reader = Reader::new(&[0x41, 7]);
    assert_eq!(reader.uint(), Err(Error::Type));
    assert_eq!(reader.array(), Err(Error::Type));
    assert_eq!(reader.array_of::<2>(), Err(Error::Type));
    assert_eq!(reader.bytes(), Ok(&[7][..]));
    reader.done().unwrap();
}

#[test]
fn the_writer_tells_what_it_lacks() {
    let mut buffer = [1; 4];
    let mut writer = Writer::new(&mut buffer);
    writer.array(2).bytes(b"secret").null();
    assert_eq!(writer.finish(), Err(Error::Buffer { needed: 9 }));
    assert_eq!(buffer, [0; 4]);
}

/// Writes a random item; the writer's caller owes sorted keys, so maps get ascending ones.
fn item(depth: u32) -> BoxedStrategy<Vec<u8>> {
    let write = |f: &dyn Fn(&mut Writer<'_>)| {
        let mut out = vec![0; 512];
        let mut writer = Writer::new(&mut out);
        f(&mut writer);
        let len = writer.finish().unwrap();
        out.truncate(len);
        out
    };
    let leaf = prop_oneof![
        any::<u64>().prop_map(move |n| write(&|w| {
            w.uint(n);
        })),
        any::<i64>().prop_map(move |n| write(&|w| {
            w.int(n);
        })),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(move |b| write(&|w| {
            w.bytes(&b);
        })),
        ".{0,10}".prop_map(move |s: String| write(&|w| {
            w.text(&s);
        })),
        any::<bool>().prop_map(move |b| write(&|w| {
            w.bool(b);
        })),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = prop::collection::vec(item(depth - 1), 0..4);
    prop_oneof![
        leaf,
        (inner, any::<bool>()).prop_map(|(items, map)| {
            let mut out = vec![0; 4096];
            let mut writer = Writer::new(&mut out);
            if map {
                writer.map(items.len() as u64)
            } else {
                writer.array(items.len() as u64)
            };
            for (key, value) in items.iter().enumerate() {
                if map {
                    writer.uint(key as u64);
                }
                writer.raw(value);
            }
            let len = writer.finish().unwrap();
            out.truncate(len);
            out
        })
    ]
    .boxed()
}

/// Numbers of every length, and those around the lengths.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
}

proptest! {
    #[test]
    fn items_are_those_of_the_stock_encoder(n in number(), sign: bool, flag: bool, text in ".{0,300}") {
        let int = if sign { !(n >> 1) as i64 } else { (n >> 1) as i64 };
        let (mut ours, mut theirs) = ([0; 2048], Vec::new());
        let mut writer = Writer::new(&mut ours);
        writer.uint(n).int(int).bool(flag).null().tag(n).array(n).map(n).bytes_head(n);
        writer.text(&text).bytes(text.as_bytes());
        let len = writer.finish().unwrap();
        let mut encoder = minicbor::Encoder::new(&mut theirs);
        encoder.u64(n).unwrap().i64(int).unwrap().bool(flag).unwrap().null().unwrap();
        encoder.tag(minicbor::data::Tag::new(n)).unwrap().array(n).unwrap().map(n).unwrap();
        encoder.bytes_len(n).unwrap().str(&text).unwrap().bytes(text.as_bytes()).unwrap();
        prop_assert_eq!(&ours[..len], &theirs[..]);
    }

    #[test]
    fn what_is_written_reads_back(bytes in item(3)) {
        prop_assert_eq!(cbor::check(&bytes), Ok(()));
        let mut decoder = minicbor::Decoder::new(&bytes);
        decoder.skip().unwrap();
        prop_assert_eq!(decoder.position(), bytes.len());
        prop_assert_eq!(Reader::new(&bytes).skip(), Ok(&bytes[..]));
        for end in 0..bytes.len() {
            prop_assert_eq!(cbor::check(&bytes[..end]), Err(Error::Truncated));
        }
    }

    #[test]
    fn garbage_never_panics_and_what_passes_is_well_formed(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if cbor::check(&bytes).is_ok() {
            let mut decoder = minicbor::Decoder::new(&bytes);
            decoder.skip().unwrap();
            prop_assert_eq!(decoder.position(), bytes.len());
        }
    }
}
