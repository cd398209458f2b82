//! Objects in memory of the caller: an opaque structure of words, whose first is a tag.
//!
//! ```text
//! struct iotchain_sender { uint64_t opaque[N]; }      opaque[0]   tag ^ address
//!                                                     opaque[1..] the Rust value, at the first place that it can have
//! ```
//!
//! The tag tells storage that was never set up, is wiped or holds something else. Because the address takes part in it, a copied
//! object is none: two senders with the same counters would use one nonce twice.

use crate::iotchain_err;
use crate::memory::Outcome;

/// A structure of C, and what is kept in it.
///
/// Implemented by [`object!`] alone, which checks that the value fits.
pub(crate) trait Object: Sized {
    /// The Rust value.
    type Value;
    /// Differs from that of all other structures.
    const TAG: u64;
}

/// Bytes of the storage that an object of `T` may need: C aligns it to words, some values (keys in vector registers) want more.
pub(crate) const fn room<T>() -> usize {
    let word = size_of::<u64>();
    let align = align_of::<T>();
    word.wrapping_add(size_of::<T>())
        .wrapping_add(align.saturating_sub(word))
}

/// `object!(iotchain_sender: Sender, b"sender")`: the structure holds that value.
macro_rules! object {
    ($name:ident: $value:ty, $tag:literal) => {
        impl $crate::object::Object for $name {
            type Value = $value;
            const TAG: u64 = $crate::object::tag($tag);
        }

        const _: () = {
            assert!($crate::object::room::<$value>() <= size_of::<$name>());
            assert!(align_of::<$name>() == align_of::<u64>());
        };
    };
}
pub(crate) use object;

/// The tag of a name: at most 8 bytes, left in the high ones.
pub(crate) const fn tag(name: &[u8]) -> u64 {
    assert!(!name.is_empty() && name.len() <= 8);
    let (mut tag, mut rest) = (0, name);
    while let [letter, behind @ ..] = rest {
        tag = tag << 8 | *letter as u64;
        rest = behind;
    }
    tag << (64u32.wrapping_sub(8u32.wrapping_mul(name.len() as u32)) & 63)
}

fn tag_at<O: Object>(at: *const O) -> u64 {
    O::TAG ^ at.addr() as u64
}

/// Where the value is. An object never moves, so the place is always the same.
fn place<O: Object>(at: *mut O) -> *mut O::Value {
    let behind_tag = at.cast::<u64>().wrapping_add(1).cast::<u8>();
    let misaligned = behind_tag.addr() & align_of::<O::Value>().wrapping_sub(1);
    let pad = match misaligned {
        0 => 0,
        _ => align_of::<O::Value>().wrapping_sub(misaligned),
    };
    behind_tag.wrapping_add(pad).cast()
}

/// Sets an object up with what `make` gives, built in place. Whatever was in the storage is overwritten.
///
/// # Safety
/// Unless it is null, `at` points to room for an `O` that nobody else uses.
#[inline(always)]
pub(crate) unsafe fn put<O: Object>(at: *mut O, make: impl FnOnce() -> O::Value) -> Outcome {
    if at.is_null() {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: the structure has room for the value at this place, see `object!`; the rest is the caller's promise.
    unsafe {
        place(at).write(make());
        at.cast::<u64>().write(tag_at(at));
    }
    Ok(())
}

/// Where the value of an object is.
///
/// # Safety
/// Unless it is null, `at` points to an `O` that is zeroed or was set up.
unsafe fn live<O: Object>(at: *mut O) -> Outcome<*mut O::Value> {
    if at.is_null() {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: the structure begins with a word; the rest is the caller's promise.
    if unsafe { at.cast::<u64>().read() } != tag_at(at) {
        return Err(iotchain_err::NotReady.into());
    }
    Ok(place(at))
}

/// The value of an object.
///
/// # Safety
/// Unless it is null, `at` points to an `O` that is zeroed or was set up, and that nobody changes for `'a`.
pub(crate) unsafe fn get<'a, O: Object>(at: *const O) -> Outcome<&'a O::Value> {
    // SAFETY: the tag of this address stands only where `put` wrote a value; the rest is the caller's promise.
    Ok(unsafe { &*live(at.cast_mut())? })
}

/// The value of an object, to change it.
///
/// # Safety
/// Unless it is null, `at` points to an `O` that is zeroed or was set up, and that nobody else uses for `'a`.
pub(crate) unsafe fn get_mut<'a, O: Object>(at: *mut O) -> Outcome<&'a mut O::Value> {
    // SAFETY: the tag of this address stands only where `put` wrote a value; the rest is the caller's promise.
    Ok(unsafe { &mut *live(at)? })
}

/// As [`get_mut`], for a function that calls back: while `f` runs, the storage is no object, so that nothing that is called
/// back can use it.
///
/// # Safety
/// As [`get_mut`], but for what is called back.
#[inline(always)]
pub(crate) unsafe fn lend<O: Object, T>(
    at: *mut O,
    f: impl FnOnce(&mut O::Value) -> Outcome<T>,
) -> Outcome<T> {
    // SAFETY: the caller's promise.
    let value = unsafe { get_mut(at)? };
    // SAFETY: the structure begins with a word, which is not part of the value.
    unsafe { at.cast::<u64>().write_volatile(0) };
    let done = f(value);
    // SAFETY: as above.
    unsafe { at.cast::<u64>().write_volatile(tag_at(at)) };
    done
}

/// Takes the value out of an object that can be used once, and wipes the storage.
///
/// # Safety
/// As [`get_mut`].
pub(crate) unsafe fn take<O: Object>(at: *mut O) -> Outcome<O::Value> {
    // SAFETY: the caller's promise.
    let value = unsafe { core::ptr::read(get_mut(at)?) };
    // SAFETY: the caller's promise; the value is ours, so the storage holds nothing to drop.
    unsafe { erase(at) };
    Ok(value)
}

/// Ends an object: its value is dropped, the storage zeroed. Null, zeroed and ended storage is left alone.
///
/// # Safety
/// As [`get_mut`].
pub(crate) unsafe fn wipe<O: Object>(at: *mut O) {
    // SAFETY: the caller's promise.
    if let Ok(value) = unsafe { get_mut(at) } {
        // SAFETY: the value is initialised, and its tag goes with it.
        unsafe {
            core::ptr::drop_in_place(value);
            erase(at);
        }
    }
}

/// Zeroes the storage in a way that the compiler keeps.
///
/// # Safety
/// `at` points to an `O` that nobody else uses and that holds nothing to drop.
unsafe fn erase<O: Object>(at: *mut O) {
    let words = at.cast::<u64>();
    for i in 0..size_of::<O>() >> 3 {
        // SAFETY: within the structure, which consists of words.
        unsafe { words.add(i).write_volatile(0) };
    }
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[repr(C)]
    struct Counted([u64; 3]);
    object!(Counted: Rc<()>, b"counted");

    #[repr(C)]
    struct Other([u64; 3]);
    object!(Other: Rc<()>, b"other");

    #[test]
    fn an_object_lives_from_put_to_wipe() {
        let (witness, mut storage) = (Rc::new(()), Counted([0; 3]));
        let at = &raw mut storage;
        // SAFETY: `storage` is used through `at` alone.
        unsafe {
            assert_eq!(get(at).err(), Some(iotchain_err::NotReady.into()));
            put(at, || Rc::clone(&witness)).unwrap();
            assert_eq!(Rc::strong_count(get(at).unwrap()), 2);
            wipe(at);
            assert_eq!(Rc::strong_count(&witness), 1, "dropped");
            assert_eq!(get_mut(at).err(), Some(iotchain_err::NotReady.into()));
            wipe(at);
        }
        assert_eq!(storage.0, [0; 3], "nothing stays");
    }

    #[repr(align(32))]
    struct Wide(u8);
    #[repr(C)]
    struct Aligned([u64; 8]);
    object!(Aligned: Wide, b"aligned");

    #[test]
    fn a_value_is_aligned_wherever_its_object_lies() {
        let mut words = [0u64; 12];
        for start in 0..4 {
            let at = words[start..].as_mut_ptr().cast::<Aligned>();
            // SAFETY: eight words behind `at` belong to `words`.
            unsafe {
                put(at, || Wide(7)).unwrap();
                let value = get(at).unwrap();
                assert_eq!((value.0, (&raw const *value).addr() % 32), (7, 0));
                wipe(at);
            }
            assert_eq!(words, [0; 12], "within the storage, and nothing stays");
        }
    }

    #[test]
    fn what_is_taken_is_gone() {
        let (witness, mut storage) = (Rc::new(()), Counted([0; 3]));
        let at = &raw mut storage;
        // SAFETY: `storage` is used through `at` alone.
        let taken = unsafe {
            put(at, || Rc::clone(&witness)).unwrap();
            take(at).unwrap()
        };
        assert_eq!(Rc::strong_count(&taken), 2);
        // SAFETY: as above.
        let again = unsafe { take(at) };
        assert_eq!(again.err(), Some(iotchain_err::NotReady.into()));
        assert_eq!(storage.0, [0; 3]);
    }

    #[test]
    fn foreign_copied_and_null_storage_is_no_object() {
        let mut storage = [const { Counted([0; 3]) }; 2];
        let [original, copy] = storage.each_mut().map(|storage| storage as *mut Counted);
        // SAFETY: all storage is initialised and used here alone.
        unsafe {
            put(original, || Rc::new(())).unwrap();
            core::ptr::copy_nonoverlapping(original, copy, 1);
            assert_eq!(get(copy).err(), Some(iotchain_err::NotReady.into()));
            assert_eq!(
                get(original.cast::<Other>()).err(),
                Some(iotchain_err::NotReady.into())
            );
            let null = core::ptr::null_mut::<Counted>();
            assert_eq!(get(null).err(), Some(iotchain_err::NullArgument.into()));
            assert_eq!(
                put(null, || Rc::new(())),
                Err(iotchain_err::NullArgument.into())
            );
            wipe(null);
            wipe(original);
        }
    }
}
