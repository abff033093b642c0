//! Reading sales files: in slices, by whoever holds the file's claim, until all of it is told to hub `sales`.
//!
//! A file is read first and told afterwards. Reading goes slice by slice ([`reading`]), line by line through a thread that may block ([`lines`]), checks everything that
//! can reject the file as a whole, and writes the good lines down in buckets by invoice. Telling takes bucket after bucket, so that an
//! invoice is told once with all its lines wherever they stand ([`telling`]). A file of one slice stays in memory between the two.
//!
//! How far all this is stands in the file's ledger ([`ledger`]), which is written under its ETag after each slice: who loses that race
//! stops. So whoever comes next, the timer after a kill for example, goes on there; what was told and not noted is told again, under
//! the same ids and with the same content.

mod ledger;
mod lines;
mod reading;
mod telling;
mod work;

pub(crate) use self::work::{Worked, work_on};
