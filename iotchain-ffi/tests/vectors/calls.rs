//! What the tests of objects hand to C: resources, buffers, memory of exchanges.

use super::{ok, zeroed};
use iotchain_ffi::*;
use std::ffi::{CString, c_char};

/// A resource that stays where it is.
pub(crate) struct Resource {
    _rs: Box<[u8; 20]>,
    _texts: [List; 2],
    pub(crate) c: iotchain_resource,
}

/// Texts as C lists them.
struct List {
    _texts: Vec<CString>,
    list: Vec<*const c_char>,
}

impl List {
    fn new(texts: &[&str]) -> Self {
        let texts: Vec<_> = texts
            .iter()
            .map(|text| CString::new(*text).unwrap())
            .collect();
        let list = texts.iter().map(|text| text.as_ptr()).collect();
        Self {
            _texts: texts,
            list,
        }
    }
}

impl Resource {
    pub(crate) fn new(rs: [u8; 20], path: &[&str], query: &[&str]) -> Self {
        let rs = Box::new(rs);
        let texts = [List::new(path), List::new(query)];
        let [path, query] = &texts;
        let c = iotchain_resource {
            rs: rs.as_ptr(),
            path: path.list.as_ptr(),
            path_count: path.list.len(),
            query: query.list.as_ptr(),
            query_count: query.list.len(),
        };
        Self {
            _rs: rs,
            _texts: texts,
            c,
        }
    }
}

/// Where the input of a call lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Apart,
    /// In the output buffer, at this place.
    Within(usize),
}

pub(crate) const PLACES: [Place; 3] = [Place::Apart, Place::Within(0), Place::Within(11)];

/// Calls a function that reads `input` and writes to a buffer; what it wrote.
pub(crate) fn written(
    place: Place,
    input: &[u8],
    room: usize,
    call: impl FnOnce((*const u8, usize), (*mut u8, usize), *mut usize) -> iotchain_err,
) -> Result<Vec<u8>, iotchain_err> {
    let mut out = vec![0xee; room.max(input.len() + 20)];
    let mut len = usize::MAX;
    let cap = out.len();
    let from = match place {
        Place::Apart => input.as_ptr(),
        Place::Within(at) => {
            out[at..at + input.len()].copy_from_slice(input);
            out.as_mut_ptr().wrapping_add(at).cast_const()
        }
    };
    let result = ok(call((from, input.len()), (out.as_mut_ptr(), cap), &mut len));
    match result {
        Ok(()) => out.truncate(len),
        Err(iotchain_err::Buffer) => assert!(len != usize::MAX && len > 0),
        Err(_) => assert_eq!(len, usize::MAX, "nothing is told on failure"),
    }
    result.map(|()| out)
}

pub(crate) fn exchange(token: &[u8]) -> Box<iotchain_exchange> {
    let mut exchange = zeroed();
    // SAFETY: every pointer is of a value that lives.
    ok(unsafe { iotchain_exchange_init(&mut *exchange, token.as_ptr(), token.len()) }).unwrap();
    exchange
}

pub(crate) fn stored() -> Box<iotchain_stored> {
    let mut stored = zeroed();
    // SAFETY: every pointer is of a value that lives.
    ok(unsafe { iotchain_stored_init(&mut *stored) }).unwrap();
    stored
}
