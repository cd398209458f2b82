//! Lists of a message: the sender has a slice, the receiver reads them out of the message.

use core::fmt;
use iotchain_core::cbor::{Reader, Writer};
use iotchain_core::{Error, Result, Roles, Sid};

/// A value that stands in a list of a message.
pub trait Element<'a>: Clone {
    /// Reads one from inside a checked item.
    ///
    /// # Errors
    /// [`Error::Type`] for another shape, or the error of the value.
    fn read(reader: &mut Reader<'a>) -> Result<Self>;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the value's own encoding.
    fn write(&self, writer: &mut Writer<'_>) -> Result<()>;
}

/// A list of `T`: either a slice, or the bytes of a message in which every element was checked.
pub struct List<'a, T>(Form<'a, T>);

enum Form<'a, T> {
    Slice(&'a [T]),
    Encoded { elements: &'a [u8], len: usize },
}

// derived, these would ask for `T: Copy`, but only references are copied
impl<T> Copy for List<'_, T> {}
impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Form<'_, T> {}
impl<T> Clone for Form<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, T: Element<'a>> List<'a, T> {
    /// The empty list.
    pub const EMPTY: Self = Self(Form::Slice(&[]));

    /// A list to be sent.
    #[must_use]
    pub const fn new(elements: &'a [T]) -> Self {
        Self(Form::Slice(elements))
    }

    /// Number of elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Form::Slice(slice) => slice.len(),
            Form::Encoded { len, .. } => len,
        }
    }

    /// Whether it has no element.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements.
    #[must_use]
    pub fn iter(&self) -> ListIter<'a, T> {
        ListIter(match self.0 {
            Form::Slice(slice) => Position::Slice(slice.iter()),
            Form::Encoded { elements, len } => Position::Encoded {
                reader: Reader::new(elements),
                left: len,
            },
        })
    }

    /// Reads an array from inside a checked item, every element of it.
    ///
    /// # Errors
    /// [`Error::Type`] for another shape, or the first error of an element.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let len = reader.array()?;
        let elements = reader.remaining();
        for _ in 0..len {
            T::read(reader)?;
        }
        Ok(Self(Form::Encoded { elements, len }))
    }

    /// Writes the array.
    ///
    /// # Errors
    /// The first error of an element.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        writer.array(self.len().try_into().map_err(|_| Error::Size)?);
        self.iter().try_for_each(|element| element.write(writer))
    }
}

// element by element: the bytes of a message would print the keys in it
impl<'a, T: Element<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Element<'a> + fmt::Debug> fmt::Debug for ListIter<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a, T: Element<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

/// Iterator over a [`List`].
#[derive(Clone)]
pub struct ListIter<'a, T>(Position<'a, T>);

#[derive(Clone)]
enum Position<'a, T> {
    Slice(core::slice::Iter<'a, T>),
    Encoded { reader: Reader<'a>, left: usize },
}

impl<'a, T: Element<'a>> Iterator for ListIter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Position::Slice(slice) => slice.next().cloned(),
            Position::Encoded { reader, left } => {
                *left = left.checked_sub(1)?;
                T::read(reader).ok()
            }
        }
    }
}

impl<'a> Element<'a> for &'a [u8] {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        reader.bytes()
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        writer.bytes(self);
        Ok(())
    }
}

impl Element<'_> for Roles {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        u8::try_from(reader.uint()?)
            .map(Self::new)
            .map_err(|_| Error::Type)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        writer.uint(self.bits().into());
        Ok(())
    }
}

impl Element<'_> for Sid {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::from_slice(reader.bytes()?)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<()> {
        writer.bytes(self.as_bytes());
        Ok(())
    }
}
