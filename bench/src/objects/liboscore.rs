//! The peer: libOSCORE, protecting and unprotecting a POST request.

use super::scene::{KID, plaintext};
use crate::Outcome;
use crate::measure::Case;
use crate::row::Row;
use coap_message::{MessageOption, MinimalWritableMessage, ReadableMessage};
use coap_message_implementations::inmemory_write::Message;
use liboscore::{
    AeadAlg, HkdfAlg, OscoreOption, PrimitiveContext, PrimitiveImmutables, protect_request,
    unprotect_request,
};
use std::cell::RefCell;
use std::rc::Rc;

const POST: u8 = 2;
const OSCORE_OPTION: u16 = 9;

fn context(own: &[u8], other: &[u8]) -> Outcome<PrimitiveContext> {
    let failed = |_| "libOSCORE lacks the algorithms";
    let (hkdf, aead) = (
        HkdfAlg::from_number(5).map_err(failed)?,
        AeadAlg::from_number(10).map_err(failed)?,
    );
    let immutables = PrimitiveImmutables::derive(hkdf, &[1; 16], &[2; 8], None, aead, own, other)
        .map_err(|_| "libOSCORE derives no context")?;
    Ok(PrimitiveContext::new_from_fresh_material(immutables))
}

/// A protected request: code, and options with payload.
struct Protected(u8, Vec<u8>);

fn protect(context: &mut PrimitiveContext, plain: &[u8], out: &mut [u8]) -> Option<(u8, usize)> {
    let mut code = POST;
    let mut message = Message::new(&mut code, out);
    let written = protect_request(&mut message, context, |inner| {
        inner.set_code(POST);
        inner.set_payload(plain).is_ok()
    });
    let (_, written) = written.ok()?;
    let len = message.finish();
    written.then_some((code, len))
}

fn unprotect(
    context: &mut PrimitiveContext,
    Protected(code, bytes): &mut Protected,
) -> Option<usize> {
    let mut message = Message::new_from_existing(code, bytes);
    let mut option = [0; 16];
    let len = message.options().find_map(|found| {
        let value = (found.number() == OSCORE_OPTION).then(|| found.value().to_vec())?;
        option.get_mut(..value.len())?.copy_from_slice(&value);
        Some(value.len())
    })?;
    let parsed = OscoreOption::parse(option.get(..len)?).ok()?;
    let (_, len) =
        unprotect_request(&mut message, parsed, context, |inner| inner.payload().len()).ok()?;
    Some(len)
}

/// Protecting and unprotecting `size` bytes; none if the library does not carry as much.
pub(crate) fn cases(peer: &'static str, size: usize) -> Outcome<Vec<Case>> {
    let row = |op| Row::new(peer, op).size(size);
    let plain = Rc::new(plaintext(size));
    let mut sealer = context(&KID, b"c")?;
    let mut opener = context(b"c", &KID)?;
    let mut out = vec![0; size + 64];
    let Some((code, len)) = protect(&mut sealer, &plain, &mut out) else {
        return Ok(Vec::new());
    };
    if unprotect(&mut opener, &mut Protected(code, out[..len].to_vec())) != Some(size) {
        return Err("libOSCORE does not unprotect".into());
    }
    // a request is taken once, so every run of the receiver has one of its own, in order
    let source = RefCell::new(context(&KID, b"c")?);
    let mut receiver = context(b"c", &KID)?;
    let text = plain.clone();
    let prepare = move || {
        let mut out = vec![0; size + 64];
        let (code, len) = protect(&mut source.borrow_mut(), &text, &mut out).unwrap_or_default();
        out.truncate(len);
        Protected(code, out)
    };
    Ok(vec![
        Case::same(row("seal").bytes(len), move || {
            protect(&mut sealer, &plain, &mut out)
        }),
        Case::new(row("open").bytes(len), prepare, move |message| {
            unprotect(&mut receiver, message)
        }),
    ])
}
