//! A fixed number of places for the newest of something numbered (spec C2).

/// What a [`Window`] keeps one place for.
pub(crate) trait Numbered {
    /// What stands in a free place: number 0, which nothing has.
    const NONE: Self;
    /// Its number, at least 1.
    fn number(&self) -> u32;
    /// Names what nothing is known of yet.
    fn set_number(&mut self, number: u32);
}

/// The `W` newest things; the lowest number makes room first, with all that belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Window<T, const W: usize> {
    places: [T; W],
}

impl<T: Numbered, const W: usize> Window<T, W> {
    pub(crate) const fn new() -> Self {
        const { assert!(W > 0, "a member needs room for one broadcast") };
        Self {
            places: [const { T::NONE }; W],
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter(|known| known.number() != 0)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter(|known| known.number() != 0)
    }

    // one for all callers, each of which has a loop of its own otherwise
    #[inline(never)]
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.iter().find(|known| known.number() == number)
    }

    // as above
    #[inline(never)]
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.iter_mut().find(|known| known.number() == number)
    }

    /// The place of `number`, made free if need be; `None` if all places hold newer ones.
    pub(crate) fn place(&mut self, number: u32) -> Option<&mut T> {
        if number == 0 {
            return None;
        }
        // its own place before the lowest
        let rank = |place: &&mut T| match place.number() {
            own if own == number => 0,
            other => other.saturating_add(1),
        };
        let place = self.places.iter_mut().min_by_key(rank)?;
        if place.number() > number {
            return None;
        }
        if place.number() != number {
            *place = T::NONE;
            place.set_number(number);
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Numbered for u32 {
        const NONE: Self = 0;

        fn number(&self) -> u32 {
            *self
        }

        fn set_number(&mut self, number: u32) {
            *self = number;
        }
    }

    #[test]
    fn c02_places_go_to_the_newest() {
        let mut window = Window::<u32, 2>::new();
        for (number, kept) in [
            (5, true),
            (3, true),
            (2, false),
            (3, true),
            (4, true),
            (3, false),
            (9, true),
            (0, false),
        ] {
            assert_eq!(window.place(number).is_some(), kept, "{number}");
        }
        let mut numbers: std::vec::Vec<u32> = window.iter().copied().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [5, 9]);
    }
}
