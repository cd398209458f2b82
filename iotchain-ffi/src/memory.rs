//! From C pointers to Rust references, and nowhere else.

use crate::iotchain_err;
use core::mem::MaybeUninit;
use core::slice;
use iotchain::Error;
use iotchain::oscar::Input;

/// What the body of a function of the interface ends with.
pub(crate) type Outcome<T = ()> = Result<T, Fault>;

/// Why a function fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    code: iotchain_err,
    /// The length that would have been enough, for [`iotchain_err::Buffer`].
    needed: usize,
}

impl From<iotchain_err> for Fault {
    fn from(code: iotchain_err) -> Self {
        Self { code, needed: 0 }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let needed = match error {
            Error::Buffer { needed } => needed,
            _ => 0,
        };
        let code = error.into();
        Self { code, needed }
    }
}

/// Runs the body of a function of the interface.
#[inline(always)]
pub(crate) fn outcome(body: impl FnOnce() -> Outcome) -> iotchain_err {
    match body() {
        Ok(()) => iotchain_err::Ok,
        Err(fault) => fault.code,
    }
}

/// Has `write` fill the buffer of C, and says how much it wrote, or, if the buffer is too small, how much it needs.
///
/// # Safety
/// As [`bytes_mut`] and [`result`].
pub(crate) unsafe fn written<'a>(
    (out, cap): (*mut u8, usize),
    len: *mut usize,
    write: impl FnOnce(&'a mut [u8]) -> Outcome<usize>,
) -> Outcome {
    // SAFETY: the caller's promise.
    let (out, len) = unsafe { (bytes_mut(out, cap)?, result(len)?) };
    match write(out) {
        Ok(done) => {
            len.write(done);
            Ok(())
        }
        Err(fault) => {
            if fault.code == iotchain_err::Buffer {
                len.write(fault.needed);
            }
            Err(fault)
        }
    }
}

/// Copies `from` to the front of `out`, for [`written`].
pub(crate) fn copied(out: &mut [u8], from: &[u8]) -> Outcome<usize> {
    let needed = from.len();
    let out = out.get_mut(..needed).ok_or(Error::Buffer { needed })?;
    out.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    Ok(needed)
}

/// The bytes that C passes as pointer and length, for a function that reads them and writes to `out`: apart from it or wholly
/// within.
///
/// # Errors
/// `IOTCHAIN_ERR_BUFFER` if they begin in `out` and reach beyond it; as [`bytes`] if they reach into it from before.
///
/// # Safety
/// As [`bytes`]; nobody else uses `out` for `'a`.
pub(crate) unsafe fn input<'a>((p, len): (*const u8, usize), out: &[u8]) -> Outcome<Input<'a>> {
    let (begin, end) = (p.addr(), p.addr().saturating_add(len));
    let out = out.as_ptr_range();
    let (out_begin, out_end) = (out.start.addr(), out.end.addr());
    if len == 0 || p.is_null() || end <= out_begin || out_end <= begin {
        // SAFETY: the caller's promise.
        return Ok(Input::Apart(unsafe { bytes(p, len)? }));
    }
    match begin.checked_sub(out_begin) {
        Some(at) if end <= out_end => Ok(Input::Within { at, len }),
        Some(at) => Err(Error::Buffer {
            needed: at.saturating_add(len),
        }
        .into()),
        None => Err(iotchain_err::NullArgument.into()),
    }
}

/// As [`input`], for a function whose input may not lie in `out`.
///
/// # Errors
/// `IOTCHAIN_ERR_NULL_ARGUMENT` if a byte of it does.
///
/// # Safety
/// As [`input`].
pub(crate) unsafe fn apart<'a>(of: (*const u8, usize), out: &[u8]) -> Outcome<&'a [u8]> {
    // SAFETY: the caller's promise.
    match unsafe { input(of, out) } {
        Ok(Input::Apart(bytes)) => Ok(bytes),
        _ => Err(iotchain_err::NullArgument.into()),
    }
}

/// The bytes that C passes as pointer and length; a null pointer is fine if there are none.
///
/// # Safety
/// Unless it is null, `p` points to `len` bytes that stay readable and unchanged for `'a`.
pub(crate) unsafe fn bytes<'a>(p: *const u8, len: usize) -> Outcome<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if p.is_null() || isize::try_from(len).is_err() {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: not null and not too long; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(p, len) })
}

/// As [`bytes`], for a buffer that is written to.
///
/// # Safety
/// Unless it is null, `p` points to `len` initialised bytes that nobody else uses for `'a`.
pub(crate) unsafe fn bytes_mut<'a>(p: *mut u8, len: usize) -> Outcome<&'a mut [u8]> {
    if len == 0 {
        return Ok(&mut []);
    }
    if p.is_null() || isize::try_from(len).is_err() {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: not null and not too long; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(p, len) })
}

/// The array of `N` bytes at `p`, which C declares as `const uint8_t p[N]`.
///
/// # Safety
/// Unless it is null, `p` points to `N` bytes that stay readable and unchanged for `'a`.
pub(crate) unsafe fn array<'a, const N: usize>(p: *const u8) -> Outcome<&'a [u8; N]> {
    // SAFETY: the caller's promise; an array of bytes has no alignment.
    unsafe { value(p.cast::<[u8; N]>()) }
}

/// What `p` points to.
///
/// # Safety
/// Unless it is null, `p` points to a `T` that stays readable and unchanged for `'a`.
pub(crate) unsafe fn value<'a, T>(p: *const T) -> Outcome<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { p.as_ref() }.ok_or(iotchain_err::NullArgument.into())
}

/// Where a result goes. C need not initialise it.
///
/// # Safety
/// Unless it is null, `p` points to room for a `T` that nobody else uses for `'a`.
pub(crate) unsafe fn result<'a, T>(p: *mut T) -> Outcome<&'a mut MaybeUninit<T>> {
    // SAFETY: the caller's promise; a `MaybeUninit` may be uninitialised.
    unsafe { p.cast::<MaybeUninit<T>>().as_mut() }.ok_or(iotchain_err::NullArgument.into())
}

/// Where a result goes that C may do without.
///
/// # Safety
/// As [`result`].
pub(crate) unsafe fn optional_result<'a, T>(p: *mut T) -> Option<&'a mut MaybeUninit<T>> {
    // SAFETY: the caller's promise; a `MaybeUninit` may be uninitialised.
    unsafe { p.cast::<MaybeUninit<T>>().as_mut() }
}
