//! Scope: what part of a container a feed or query reads, by range, by effective partition keys, or by partition key.

use contoso_cosmos_query::effective_partition_key::{MAX, MIN};
use http::StatusCode;

use crate::cosmos::{
    data::{
        container::Container,
        item_key::{self, Interval},
    },
    wire::{
        refusal::Refusal,
        request::{PARTITION_KEY, RANGE_ID, Request},
    },
};

/// The range that a client knows is there no more.
const RANGE_GONE: u16 = 1002;

/// What a request reads.
pub(in crate::cosmos) struct Scope {
    pub(in crate::cosmos) interval: Interval,
    /// Number of the range that has all of it.
    pub(in crate::cosmos) range: Option<usize>,
    /// Whether it is the whole of that range.
    pub(in crate::cosmos) is_whole: bool,
}

impl Scope {
    /// What `request` reads of `container`.
    ///
    /// # Errors
    /// 410 where it names a range that does not exist, 400 where a partition key is none of the container.
    pub(in crate::cosmos) fn of(request: &Request, container: &Container) -> Result<Self, Refusal> {
        let named = match request.header(&RANGE_ID) {
            None => None,
            Some(id) => {
                let message = "The partition key range specified by the request is no longer present (split/merge).";
                let gone = || Refusal::new(StatusCode::GONE, message).with_substatus(RANGE_GONE);
                Some(container.range(id).ok_or_else(gone)?)
            }
        };
        let mut interval = named.map_or_else(|| Interval::between(MIN, MAX), |range| container.interval(range));
        if let Some(header) = request.header(&PARTITION_KEY) {
            let values = item_key::of_header(header).map_err(Refusal::bad_request)?;
            let is_prefix = values.len() < container.partition_key.paths.len();
            let is_hierarchical = container.partition_key.paths.len() > 1;
            if values.len() > container.partition_key.paths.len() || is_prefix && !is_hierarchical && !values.is_empty()
            {
                return Err(Refusal::partition_key());
            }
            // An empty one is how clients write that they have none.
            if !values.is_empty() {
                interval = interval.and(item_key::interval(&container.partition_key, &values));
            }
        }
        if let Some((min, max)) = request.header("x-ms-start-epk").zip(request.header("x-ms-end-epk")) {
            for bound in [min, max] {
                if !bound.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(Refusal::bad_request(format!("{bound:?} is no effective partition key.")));
                }
            }
            interval = interval.and(Interval::between(&min.to_uppercase(), &max.to_uppercase()));
        }
        let numbers = 0..container.ranges.len();
        let range = named.or_else(|| numbers.into_iter().find(|range| container.interval(*range).covers(&interval)));
        let is_whole = range.is_some_and(|range| interval.covers(&container.interval(range)));
        Ok(Self { interval, range, is_whole })
    }

    /// Numbers of the ranges that it may read of.
    pub(in crate::cosmos) fn ranges(&self, container: &Container) -> std::ops::Range<usize> {
        self.range.map_or(0..container.ranges.len(), |range| range..range + 1)
    }

    /// Number of the first range that it reads of.
    pub(in crate::cosmos) fn first(&self, container: &Container) -> usize {
        self.ranges(container).find(|range| container.interval(*range).meets(&self.interval)).unwrap_or(0)
    }
}
