//! Cache of the windows this process wrote lately, so that the next clicks of their minutes need no read.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    domain::trends::window::{Page, PageDocument, PageId, Window, WindowId},
    stores::cache::Cache,
};

/// Windows of several pages kept: the present minute and the last of a few partitions, with the ids of all pages below a megabyte each.
const BUSY: usize = 16;

/// Bytes of small windows in one generation; twice as many are kept. A day of sixty clicks a minute on four partitions, in whatever
/// order they come, is some 8 MB.
const GENERATION: usize = 8 << 20;
/// Bytes that a small window takes beside its counts, about.
const OF_ITSELF: usize = 300;
/// A generation ends after so long in any case: an ordinary stream does not come back to its minutes, and its memory stays small.
const LASTS: Duration = Duration::from_secs(300);

/// A window, and the ETag of its last page if that is stored.
#[derive(Debug)]
pub(crate) struct StoredWindow {
    pub(crate) window: Window,
    pub(crate) etag: Option<String>,
}

/// The windows last written, each as it is stored.
///
/// A minute of few clicks is one page, and a stream that is out of order comes back to hundreds of them in each batch. They are kept as
/// they are stored, packed, in a fifth of the memory that they take unpacked.
#[derive(Debug)]
pub(super) struct WrittenWindows {
    busy: Cache<WindowId, StoredWindow>,
    small: Mutex<Generations>,
}

/// The least recent half goes when the other is full, or old.
#[derive(Debug)]
struct Generations {
    young: HashMap<WindowId, Small>,
    old: HashMap<WindowId, Small>,
    /// Bytes of the young ones, and when the first of them came.
    bytes: usize,
    began: Instant,
}

/// The only page of a window.
#[derive(Debug)]
struct Small {
    document: PageDocument,
    etag: String,
}

impl Default for WrittenWindows {
    fn default() -> Self {
        let small = Generations { young: HashMap::new(), old: HashMap::new(), bytes: 0, began: Instant::now() };
        Self { busy: Cache::new(BUSY), small: Mutex::new(small) }
    }
}

impl WrittenWindows {
    /// Takes a window out: while somebody works with it, nobody else does.
    pub(super) fn take(&self, id: &WindowId) -> Option<StoredWindow> {
        let small = self.small().remove(id);
        self.busy.take(id).or_else(|| small?.unpacked(id))
    }

    /// Keeps a window as it is stored now; `written` is the document that was written last, where that is known.
    pub(super) fn put(&self, window: StoredWindow, written: Option<PageDocument>) {
        let StoredWindow { window, etag } = window;
        let PageId { window: id, number } = window.page_id();
        match (written, etag) {
            (Some(document), Some(etag)) if number == 0 => self.small().put(id, Small { document, etag }),
            (_, etag) => self.busy.put(id, StoredWindow { window, etag }),
        }
    }

    fn small(&self) -> MutexGuard<'_, Generations> {
        // Losing a window costs a read, and a stale one is found out by its ETag.
        self.small.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn remove(&mut self, id: &WindowId) -> Option<Small> {
        match self.young.remove(id) {
            Some(small) => {
                self.bytes = self.bytes.saturating_sub(small.bytes());
                Some(small)
            }
            None => self.old.remove(id),
        }
    }

    fn put(&mut self, id: WindowId, small: Small) {
        self.bytes += small.bytes();
        if let Some(replaced) = self.young.insert(id, small) {
            self.bytes = self.bytes.saturating_sub(replaced.bytes());
        }
        if self.bytes >= GENERATION || self.began.elapsed() >= LASTS {
            self.old = std::mem::take(&mut self.young);
            (self.bytes, self.began) = (0, Instant::now());
        }
    }
}

impl Small {
    fn bytes(&self) -> usize {
        OF_ITSELF + self.document.counts.len()
    }

    /// The window; none if this is not what was packed, which is not known to happen.
    fn unpacked(self, id: &WindowId) -> Option<StoredWindow> {
        let (_, page) = <(PageId, Page)>::try_from(&self.document).ok()?;
        Some(StoredWindow { window: Window::of_pages(id.clone(), vec![page]), etag: Some(self.etag) })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::{
        click::Click,
        trends::{
            minute::Minute,
            window::{Counting, EventHash, SequencedClick},
        },
    };

    fn click(sequence: i64) -> SequencedClick {
        let click = Click {
            product_id: "p-1".to_owned().try_into().unwrap(),
            category: None,
            session_id: None,
            visitor_id: None,
        };
        let event = EventHash::new("/test", &sequence.to_string());
        SequencedClick { sequence, event, at: datetime!(2026-06-01 12:00 UTC), click }
    }

    /// A window that `clicks` were counted in, and its document.
    fn written(minute: i64, clicks: std::ops::Range<i64>) -> (WindowId, StoredWindow, PageDocument) {
        let minute = Minute::of(datetime!(2026-06-01 12:00 UTC)).plus(minute);
        let id = WindowId { partition: "0".to_owned(), minute };
        let mut window = Window::new(id.clone());
        let clicks: Vec<_> = clicks.map(click).collect();
        let mut taken = 0;
        let mut document = None;
        while taken < clicks.len() {
            window.turn();
            taken += window.count(&clicks[taken..]).len();
            document = Some(window.document(datetime!(2026-06-01 13:00 UTC)).unwrap());
        }
        (id, StoredWindow { window, etag: Some("e".to_owned()) }, document.unwrap())
    }

    #[test]
    fn what_is_kept_is_the_window_as_it_was_stored() {
        for clicks in [1, 40, 400, 1_500] {
            let windows = WrittenWindows::default();
            let (id, window, document) = written(0, 0..clicks);
            windows.put(window, Some(document));
            let StoredWindow { mut window, etag } = windows.take(&id).unwrap();
            assert_eq!(etag.as_deref(), Some("e"));
            window.turn();
            assert_eq!(window.count(&[click(clicks - 1)]), [Counting::Before], "the mark of {clicks}");
            let repeat = SequencedClick { sequence: clicks, ..click(0) };
            assert_eq!(
                window.count(&[repeat, click(clicks + 1)]),
                [Counting::Repeat, Counting::Counted],
                "the ids of {clicks}"
            );
            assert!(windows.take(&id).is_none(), "taken once");
        }
    }

    #[test]
    fn thousands_of_small_windows_are_known_and_only_so_many() {
        let windows = WrittenWindows::default();
        let minutes = 150_000;
        let mut last = None;
        for minute in 0..minutes {
            let (id, window, document) = written(minute, 0..1);
            windows.put(window, Some(document));
            last = Some(id);
        }
        let (young, old) = {
            let small = windows.small();
            (small.young.values().map(Small::bytes).sum::<usize>(), small.old.values().map(Small::bytes).sum::<usize>())
        };
        assert!(young <= GENERATION && old <= GENERATION + (1 << 10), "{young} {old}");
        let day: Vec<_> =
            (minutes - 5_760..minutes).filter(|minute| windows.take(&written(*minute, 0..1).0).is_some()).collect();
        assert_eq!((day.len(), windows.take(&last.unwrap()).is_none()), (5_760, true));
    }
}
