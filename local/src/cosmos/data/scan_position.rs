//! Where a scan stands, between two documents, and its bytes in continuations.

use contoso_cosmos_query::Position;

/// Stands before a place as queries know it. Continuations of earlier versions were of another order, and began otherwise.
const TAG: u8 = 1;

/// Where an item stands in its container: by range, then by its number, which neither a replacement nor another id changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cosmos) struct ScanPosition {
    /// Number of the range.
    pub(in crate::cosmos) range: usize,
    /// Number of the item; 0 is before all of the range.
    pub(in crate::cosmos) number: u64,
}

impl ScanPosition {
    /// As the query engine knows it.
    pub(in crate::cosmos) fn position(self) -> Position {
        let range = u32::try_from(self.range).unwrap_or(u32::MAX);
        Position([&[TAG][..], &range.to_be_bytes(), &self.number.to_be_bytes()].concat())
    }

    /// The place that these bytes of a position stand for, if they do for one.
    pub(in crate::cosmos) fn read(position: &[u8]) -> Option<Self> {
        let (range, number) = position.strip_prefix(&[TAG])?.split_first_chunk::<4>()?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        Some(Self { range: usize::try_from(u32::from_be_bytes(*range)).ok()?, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_position_that_sorts_as_it_does_and_none_of_an_earlier_version() {
        let place = |range, number| ScanPosition { range, number };
        let places = [place(0, 0), place(0, 255), place(0, 256), place(1, 1), place(1, u64::MAX)];
        assert!(places.windows(2).all(|pair| pair[0].position() < pair[1].position()));
        assert!(places.iter().all(|place| ScanPosition::read(&place.position().0) == Some(*place)));
        // Thirteen bytes of effective partition key, separator and id, of a document without a key.
        for earlier in [&b"\0twelve bytes"[..], b"1D", b""] {
            assert_eq!(ScanPosition::read(earlier), None);
        }
    }
}
