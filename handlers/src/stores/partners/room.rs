//! Limits of how many documents there may be, which hold for requests that come at once too.
//!
//! Who makes a document stores it, and counts then: a partition's writes have one order, so of those that are stored at once the last one
//! sees them all. Where there are too many the younger ones go again, and an older one waits until they went, or goes itself. Nothing else is
//! kept, so a process that dies in between leaves nothing but what it made.

use std::{future::Future, time::Duration};

use crate::{azure::cosmos::CosmosError, clock};

/// How often and after which pauses an older one looks whether the younger ones went.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Whether there is room for one that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There are not too many.
    Free,
    /// There are too many, and some are younger.
    Contended,
    /// As many are older as there may be.
    Taken,
}

impl Room {
    /// For `mine` among `all`, of which there may be `most`; the younger is the greater.
    pub fn of<K: Ord>(all: impl IntoIterator<Item = K>, mine: &K, most: usize) -> Self {
        let (mut count, mut older) = (0, 0);
        for one in all {
            count += 1;
            older += usize::from(one < *mine);
        }
        if count <= most {
            Self::Free
        } else if older >= most {
            Self::Taken
        } else {
            Self::Contended
        }
    }
}

/// Whether what was stored may stay; if not, it is the caller's to take it back.
///
/// # Errors
/// Those of `look`.
pub async fn stays<F>(look: impl Fn() -> F) -> Result<bool, CosmosError>
where
    F: Future<Output = Result<Room, CosmosError>>,
{
    settled(look, PAUSE).await
}

async fn settled<F>(look: impl Fn() -> F, pause: Duration) -> Result<bool, CosmosError>
where
    F: Future<Output = Result<Room, CosmosError>>,
{
    for turn in 0..LOOKS {
        if turn > 0 {
            clock::pause(pause).await;
        }
        match look().await? {
            Room::Free => return Ok(true),
            Room::Taken => return Ok(false),
            Room::Contended => {}
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_younger_ones_go() {
        let room = |mine, all: &[u8]| Room::of(all.iter().copied(), &mine, 2);
        assert_eq!(room(2, &[1, 2]), Room::Free);
        assert_eq!(
            [1, 2, 3, 4].map(|mine| room(mine, &[4, 3, 2, 1])),
            [Room::Contended, Room::Contended, Room::Taken, Room::Taken]
        );
    }

    #[tokio::test]
    async fn an_older_one_waits_for_the_younger_to_go_but_not_for_ever() {
        let left = Cell::new(3);
        let look = || async {
            left.set(left.get() - 1);
            Ok(if left.get() == 0 { Room::Free } else { Room::Contended })
        };
        assert!(settled(look, Duration::ZERO).await.expect("a look"));
        let contended = || async { Ok(Room::Contended) };
        assert!(!settled(contended, Duration::ZERO).await.expect("a look"), "the limit holds");
    }
}
