//! The library's own AES: nothing runs apart.

pub(crate) fn taken_apart() -> (u32, u32) {
    (0, 0)
}
