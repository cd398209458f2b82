//! The value of Block1 and Block2 (RFC 7959, 2.2).

use super::option::Options;

/// The largest block this endpoint sends: 1024 bytes (SZX 6).
pub const MAX_SZX: u8 = 6;

/// One block of a body: its number, whether more follow, and its size exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Position in units of the block size, 20 bits.
    pub number: u32,
    /// Whether further blocks follow.
    pub more: bool,
    /// Size exponent: a block has `16 << szx` bytes; 7 is reserved on UDP.
    pub szx: u8,
}

impl Block {
    /// Reads the option; `None` if it is absent.
    ///
    /// # Errors
    /// [`ReservedSize`] for SZX 7 or a value of more than three bytes.
    pub fn find(options: &Options, option: u16) -> Result<Option<Self>, ReservedSize> {
        if options.get(option).is_none() {
            return Ok(None);
        }
        let value = options
            .uint(option)
            .filter(|v| *v < 1 << 24)
            .ok_or(ReservedSize)?;
        let block = Block {
            number: value >> 4,
            more: value & 8 != 0,
            szx: (value & 7) as u8,
        };
        if block.szx > MAX_SZX {
            Err(ReservedSize)
        } else {
            Ok(Some(block))
        }
    }

    /// The option's value.
    pub fn value(self) -> u32 {
        self.number << 4 | u32::from(self.more) << 3 | u32::from(self.szx)
    }

    /// Bytes in a full block: 16 to 1024.
    pub fn size(self) -> usize {
        16 << self.szx
    }

    /// Position of the first byte of the block in the body.
    pub fn offset(self) -> usize {
        (self.number as usize) << (self.szx + 4)
    }

    /// This block cut out of a body, `more` set as the body demands; `None` past the end.
    pub fn of(self, body: &[u8]) -> Option<(Block, &[u8])> {
        let rest = body.get(self.offset()..)?;
        if rest.is_empty() && self.number > 0 {
            return None;
        }
        let (slice, tail) = rest.split_at_checked(self.size()).unwrap_or((rest, &[]));
        Some((
            Block {
                more: !tail.is_empty(),
                ..self
            },
            slice,
        ))
    }
}

/// SZX 7, reserved on UDP (RFC 7959, 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservedSize;

#[cfg(test)]
mod tests {
    use super::{super::option::number, *};

    #[test]
    fn blocks_cover_a_body_exactly() {
        let body: Vec<u8> = (0..100).collect();
        let (mut joined, mut number) = (vec![], 0);
        while let Some((block, slice)) = (Block {
            number,
            more: false,
            szx: 1,
        })
        .of(&body)
        {
            joined.extend_from_slice(slice);
            assert_eq!(block.more, joined.len() < body.len());
            number += 1;
        }
        assert_eq!((joined, number), (body, 4));
        assert!(
            Block {
                number: 2,
                more: false,
                szx: 1
            }
            .of(&[0; 64])
            .is_none()
        );
    }

    #[test]
    fn size_seven_is_reserved() {
        let mut options = Options::new();
        assert_eq!(Block::find(&options, number::BLOCK2), Ok(None));
        options.set_uint(number::BLOCK2, 0x17);
        assert_eq!(Block::find(&options, number::BLOCK2), Err(ReservedSize));
        options.set_uint(number::BLOCK2, 0x1e);
        assert_eq!(
            Block::find(&options, number::BLOCK2),
            Ok(Some(Block {
                number: 1,
                more: true,
                szx: 6
            }))
        );
    }
}
