//! Blocks of a ledger that lead to a trusted one, so that no node has to be believed (spec 5.7).

use crate::iotchain_err;
use crate::memory::{Outcome, array, bytes, outcome, result};
use crate::object::{self, object};
use core::slice;
use iotchain::Address;
use iotchain::token::{Sealer, TrustedBlock};

/// A block of the chain that is trusted: set up from a hash that is known to be good, then moved along the chain.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_block {
    opaque: [u64; 16],
}

object!(iotchain_block: TrustedBlock, b"block");

/// `sizeof (struct iotchain_block)` of the library that is linked.
#[unsafe(no_mangle)]
pub extern "C" fn iotchain_block_size() -> usize {
    size_of::<iotchain_block>()
}

/// Sets a block up from its hash, which comes from somebody you trust: a node of your own, or the key server.
///
/// @param block  room for the block
/// @param hash  32 bytes
/// @param header  the block's header in RLP, about 620 bytes; nothing of it is kept
/// @return 0, `IOTCHAIN_ERR_PROOF` if the header has another hash or is none
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_block_init(
    block: *mut iotchain_block,
    hash: *const u8,
    header: *const u8,
    header_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let value = unsafe { TrustedBlock::at(array(hash)?, bytes(header, header_len)?)? };
        // SAFETY: the caller's promise.
        unsafe { object::put(block, || value) }
    })
}

/// Moves to the block before this one.
///
/// @param header  the header of the parent
/// @return 0, `IOTCHAIN_ERR_PROOF` if it is not the parent's; the block stays where it was then. `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_block_parent(
    block: *mut iotchain_block,
    header: *const u8,
    header_len: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let block = object::get_mut(block)?;
            *block = block.parent(bytes(header, header_len)?)?;
        }
        Ok(())
    })
}

/// Somebody who may seal blocks of a network by proof of authority (EIP-225). Plain data: it may be copied, and zeroed it is an
/// account that nobody has.
#[derive(Debug)]
#[repr(C)]
pub struct iotchain_sealer {
    opaque: [u64; 4],
}

/// Names a sealer, as the genesis block or a checkpoint does.
///
/// @param account  its address, 20 bytes
/// @return 0
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_sealer_init(
    sealer: *mut iotchain_sealer,
    account: *const u8,
) -> iotchain_err {
    const {
        assert!(size_of::<Sealer>() == size_of::<iotchain_sealer>());
        assert!(align_of::<Sealer>() <= align_of::<iotchain_sealer>());
    }
    outcome(|| {
        // SAFETY: the caller's promise; the structure has the size of the value.
        let (out, account) = unsafe { (result(sealer.cast::<Sealer>())?, array(account)?) };
        out.write(Sealer::new(Address::new(*account)));
        Ok(())
    })
}

/// Moves to a block after this one, because one of the sealers sealed it.
///
/// @param header  the header of the child
/// @param sealers  all who may seal; it is noted when each may do so again
/// @param count  their number
/// @return 0, `IOTCHAIN_ERR_PROOF` if the block is no child of this one, `IOTCHAIN_ERR_SIG` for a malformed seal,
///   `IOTCHAIN_ERR_SIGNER` if another account sealed it or one whose turn it cannot be; the block stays where it was then.
///   `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_block_sealed_child(
    block: *mut iotchain_block,
    header: *const u8,
    header_len: usize,
    sealers: *mut iotchain_sealer,
    count: usize,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        unsafe {
            let block = object::get_mut(block)?;
            *block = block.sealed_child(bytes(header, header_len)?, all(sealers, count)?)?;
        }
        Ok(())
    })
}

/// The sealers in an array of C.
///
/// # Safety
/// Unless it is null, `sealers` points to `count` sealers that nobody else uses for `'a`.
unsafe fn all<'a>(sealers: *mut iotchain_sealer, count: usize) -> Outcome<&'a mut [Sealer]> {
    let len = count.checked_mul(size_of::<iotchain_sealer>());
    let fits = len.is_some_and(|len| isize::try_from(len).is_ok());
    if count == 0 {
        return Ok(&mut []);
    }
    if sealers.is_null() || !fits {
        return Err(iotchain_err::NullArgument.into());
    }
    // SAFETY: not null and not too many; a sealer is an address and a number, so any bytes are one.
    Ok(unsafe { slice::from_raw_parts_mut(sealers.cast(), count) })
}

/// What is known of the block.
///
/// @param number  its height; the genesis block is 0
/// @param time  its time in Unix seconds
/// @param hash  its hash, 32 bytes
/// @return 0, `IOTCHAIN_ERR_NOT_READY`
///
/// # Safety
/// The pointers are as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_block_read(
    block: *const iotchain_block,
    number: *mut u64,
    time: *mut u64,
    hash: *mut u8,
) -> iotchain_err {
    outcome(|| {
        // SAFETY: the caller's promise.
        let (block, number, time, hash) = unsafe {
            (
                object::get(block)?,
                result(number)?,
                result(time)?,
                result(hash.cast::<[u8; 32]>())?,
            )
        };
        number.write(block.number());
        time.write(block.timestamp().get());
        hash.write(*block.hash());
        Ok(())
    })
}

/// Ends a block: nothing of it stays in the storage. Zeroed storage is left alone.
///
/// # Safety
/// `block` is null, or points to a block or to zeroed storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn iotchain_block_wipe(block: *mut iotchain_block) {
    // SAFETY: the caller's promise.
    unsafe { object::wipe(block) }
}
