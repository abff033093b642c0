//! The constants of the detector. They were chosen on simulated traffic of seeds that no reported figure uses: `docs/anomalies.md`.

/// Evidence (nats) that raises an anomaly of the total; for the children of a level the logarithm of their number is added, so that a
/// shop with more products has no more false alarms. Under the model a series alarms falsely about once in e^10 minutes, two weeks,
/// at worst; what is out of line for one minute only never does.
pub const EVIDENCE: f64 = 10.0;

/// One minute adds no more than this part of the evidence needed: whatever it says, a second one must confirm it.
pub const MOST_OF_ONE_MINUTE: f64 = 0.55;

/// Evidence (nats) for being normal again that clears an anomaly; half of it at most from one minute.
pub const CLEARING: f64 = 4.0;

/// The changes that evidence is gathered for, as factors of the expectation: a drop, a deep drop, a rise, a steep rise. The deep ones
/// find outages and the like sooner; the others what they would take for normal.
#[derive(Clone, Copy, Debug)]
pub struct Design(pub [f64; 4]);

impl Design {
    /// The mildest drop. Counts above `(1 - drop) / -ln(drop)` of the expectation never add evidence for it.
    pub fn drop(self) -> f64 {
        self.0[0]
    }

    /// The mildest rise. Counts below `(rise - 1) / ln(rise)` of the expectation never add evidence for it.
    pub fn rise(self) -> f64 {
        self.0[2]
    }

    /// Whether the factor at this place is a rise.
    pub fn is_rise(place: usize) -> bool {
        place >= 2
    }
}

/// The total with a season: its expectation is good to some percent, so less than 0.81 or more than 1.23 of it counts.
pub const TOTAL: Design = Design([0.65, 0.1, 1.5, 4.0]);
/// Categories, whose shares wander, and the total while no earlier day speaks for this one. Less than 0.65 or more than 1.64 counts.
pub const CATEGORY: Design = Design([0.4, 0.05, 2.5, 6.0]);
/// Products, whose shares wander more. Less than 0.58 or more than 1.82 counts.
pub const PRODUCT: Design = Design([0.3, 0.05, 3.0, 8.0]);

/// An outage is a drop to at most this part of the expectation.
pub const OUTAGE: f64 = 0.05;

/// Views in excess below which a rise is no anomaly, however unlikely: nobody would act on it.
pub const LEAST_RISE: f64 = 20.0;

/// Minutes after which an anomaly counts as the new normal: a product that nobody sells any more, a shop that moved. Without a season
/// that knows the weekday (the first week) the expectation is a guess, and sooner given up.
pub const NEW_NORMAL: i64 = 24 * 60;
/// See [`NEW_NORMAL`].
pub const NEW_NORMAL_WITHOUT_SEASON: i64 = 2 * 60;

/// Minutes that the total must have been seen, and views in them, before anything is raised.
pub const WARM_MINUTES: u32 = 15;
/// See [`WARM_MINUTES`].
pub const WARM_VIEWS: f64 = 100.0;
/// Minutes that a category or product must have been seen before it can be raised.
pub const WARM_CHILD_MINUTES: u32 = 60;

/// The season is kept in slots of this many minutes; between two slots it is interpolated.
pub const SLOT_MINUTES: i64 = 30;
/// Slots of a day.
pub const SLOTS: usize = 48;
/// Days of history: four of each weekday, so that the median of a weekday outlives one bad day.
pub const DAYS: usize = 28;
/// Weight of a day in the season's median: the same weekday, a day of the same kind (weekday or weekend), any other.
pub const DAY_WEIGHTS: [f64; 3] = [6.0, 1.0, 0.2];

/// Share by which the newest minute moves an average: of the trend (half of it within 3 hours), of the level without a season (10
/// minutes), of dispersion and of shares (a day), of a category's share in an hour of the day (3 days of that hour).
pub const TREND: f64 = 0.003_85;
/// See [`TREND`].
pub const LEVEL: f64 = 0.067;
/// See [`TREND`].
pub const DISPERSION: f64 = 0.000_48;
/// See [`TREND`].
pub const SHARE: f64 = 0.000_48;
/// See [`TREND`].
pub const HOUR_SHARE: f64 = 0.003_85;

/// Residuals are added up with this memory before their dispersion is taken (half within 7 minutes), so that bursts of minutes count
/// for what they are, and not as so many independent surprises.
pub const RESIDUAL_MEMORY: f64 = 0.9;
/// Dispersion assumed of a series before its own is known.
pub const DISPERSION_AT_FIRST: f64 = 3.0;
/// Learning takes residuals beyond this many standard deviations for less than they are.
pub const WINSOR: f64 = 4.0;

/// Children beyond this many standard deviations are left out of what is common to their siblings.
pub const OUT_OF_LINE: f64 = 4.0;
/// Expected views from which a child's ratio is worth a vote in the median, and how many votes it takes.
pub const VOTE: f64 = 10.0;
/// See [`VOTE`].
pub const VOTES: usize = 5;

/// Categories and products watched at most. With the longest names the detector's document stays below 512 KB.
pub const CATEGORIES: usize = 64;
/// See [`CATEGORIES`].
pub const PRODUCTS: usize = 1_000;
/// Categories without a place whose views are remembered: enough for a real one to stay among made-up ones, which are viewed less.
pub const WAITING: usize = 64;
/// Remembered views below which a category that waits is forgotten: a single one is within three days or so.
pub const FORGOTTEN: f64 = 0.1;
/// When all places are taken, who is new needs more than this many times the views of the least who is watched, and so many views
/// beyond that: the list does not churn, and a click or two take no place.
pub const CLEARLY_MORE: (f64, f64) = (4.0, 4.0);
/// Minutes in a row, of those that named a watched category of the product, that must have named the same other one before it moves.
/// Were it as short as [`WARM_CHILD_MINUTES`], who sends one click a minute could have a product move for ever and never be judged.
pub const MOVED_MINUTES: u32 = 2 * WARM_CHILD_MINUTES;
/// Anomalies raised in one minute at most, strongest first, and open at a time: who has that many needs no more.
pub const RAISED_AT_ONCE: usize = 10;
/// See [`RAISED_AT_ONCE`].
pub const OPEN_AT_ONCE: usize = 100;
